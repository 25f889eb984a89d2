"""What a run was made with, so that it is gone on with in the same way or not at all."""

from __future__ import annotations

import hashlib
import json
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import calmreply
from calmreply.prompts_folder import prompt_file, prompts_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from calmreply.replier import Replier
    from calmreply.shop import Shop

__all__ = ["changes", "header_of"]

# What shapes no reply: a budget may be raised, a time-out lengthened, prices may change.
_NOT_IN_REPLIES = {"budget", "prices", "timeout_seconds", "deadline_seconds", "transport_attempts"}
_NOTED = {"calmreply"}  # the package's version is told, not compared


def header_of(replier: Replier, platform: str | None = None) -> dict[str, Any]:
    """Shop, settings, prompts, cues, model and address of a replier; texts as their SHA-256."""
    shop, model = replier.shop, replier.model
    return {
        "calmreply": calmreply.__version__,
        "shop": _digest([(shop.name, shop.model_dump_json(exclude={"prompts"}).encode())]),
        "settings": replier.settings.model_dump(mode="json", exclude=_NOT_IN_REPLIES),
        "prompts": _digest(_prompt_files(shop)),
        "cues": _digest(_language_files(shop)),
        "model": None if model is None else getattr(model, "name", None) or type(model).__name__,
        "base_url": getattr(model, "address", None),
        "platform": platform,
    }


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """The names of what differs."""
    return sorted(
        name for name in before.keys() | now if name not in _NOTED and before.get(name) != now.get(name)
    )


def _prompt_files(shop: Shop) -> Iterable[tuple[str, bytes]]:
    """Each prompt file of the shop's languages as it is used: the shop's own where it has one."""
    folder = prompts_folder()
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and ("/" not in name or name.partition("/")[0] in shop.languages):
            yield name, prompt_file(name, shop.prompts).read_bytes()


def _language_files(shop: Shop) -> Iterable[tuple[str, bytes]]:
    """The data of the shop's languages: cues, details, weights."""
    with resources.as_file(resources.files("calmreply") / "languages") as folder:
        for code in sorted(shop.languages):
            for path in sorted((Path(folder) / code).rglob("*")):
                if path.is_file() and path.suffix not in {".py", ".pyc"}:
                    yield path.relative_to(folder).as_posix(), path.read_bytes()


def _digest(parts: Iterable[tuple[str, bytes]]) -> str:
    names = [[name, hashlib.sha256(content).hexdigest()] for name, content in parts]
    return hashlib.sha256(json.dumps(names).encode()).hexdigest()
