from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from calmreply import prompts_folder as module
from calmreply.errors import PromptError
from calmreply.prompts_folder import prompt_file, prompts_folder

if TYPE_CHECKING:
    from pathlib import Path


def test_the_folder_of_a_checkout_is_found() -> None:
    assert (prompts_folder() / "en/templates/damaged.toml").is_file()


@pytest.mark.parametrize("place", ["site/calmreply/prompts", "prompts"])
def test_it_lies_beside_the_package_or_at_the_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    package = tmp_path / "site/calmreply"
    package.mkdir(parents=True)
    monkeypatch.setattr(module, "__file__", str(package / "prompts_folder.py"))
    with pytest.raises(PromptError):
        prompts_folder()
    (tmp_path / place).mkdir()
    assert prompts_folder() == (tmp_path / place).resolve()


def test_a_shops_own_file_comes_first(tmp_path: Path) -> None:
    assert prompt_file("en/templates/late.toml", tmp_path).parent.parent.parent == prompts_folder()
    own = tmp_path / "en/templates/late.toml"
    own.parent.mkdir(parents=True)
    own.write_text("", "utf-8")
    assert prompt_file("en/templates/late.toml", tmp_path) == own


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(PromptError, match=r"en/nothing\.toml"):
        prompt_file("en/nothing.toml")
    with pytest.raises(PromptError, match="no folder"):
        prompt_file("en/templates/late.toml", tmp_path / "none")
