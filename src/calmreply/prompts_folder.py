"""Where the texts that people edit lie: beside the package in a wheel, at the root of a checkout."""

from __future__ import annotations

from pathlib import Path

from calmreply.errors import PromptError

__all__ = ["prompt_file", "prompts_folder"]


def prompts_folder() -> Path:
    """The bundled `prompts/` folder, in a wheel, an unpacked sdist or an editable install.

    Raises:
        PromptError: it is in neither place.
    """
    here = Path(__file__).resolve().parent
    for folder in (here / "prompts", here.parent.parent / "prompts"):
        if folder.is_dir():
            return folder
    raise PromptError("the prompts folder is missing from this installation", hint="install calmreply again")


def prompt_file(relative: str, own: Path | None = None) -> Path:
    """One file of `prompts/`: the shop's own where its folder holds one of that name, else the bundled one.

    Args:
        relative: the path inside the folder, such as "en/templates/late.toml".
        own: the shop's folder (`Shop.prompts`).

    Raises:
        PromptError: there is no such file, or the shop's folder does not exist.
    """
    if own is not None:
        if not own.is_dir():
            raise PromptError(f"prompts: there is no folder {str(own)!r}", hint="create it or remove the key")
        if (own / relative).is_file():
            return own / relative
    file = prompts_folder() / relative
    if not file.is_file():
        raise PromptError(f"prompts: there is no file {relative!r}", hint="install calmreply again")
    return file
