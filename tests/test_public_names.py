"""The names that other people's code depends on."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import pytest

import calmreply

NAMES = [
    "Action",
    "Attempt",
    "Budget",
    "BudgetExceededError",
    "CalmReplyError",
    "Channel",
    "Classification",
    "Complaint",
    "DiskSpaceError",
    "EmbeddedModelError",
    "Escalation",
    "InputError",
    "LocalClassifier",
    "Message",
    "Model",
    "ModelAnswer",
    "ModelAuthError",
    "ModelConnectionError",
    "ModelError",
    "ModelFetchError",
    "ModelIntegrityError",
    "ModelMissingError",
    "ModelNotFoundError",
    "ModelRateLimitError",
    "ModelRefusedError",
    "ModelRequest",
    "ModelRequestError",
    "ModelResponseError",
    "ModelServerError",
    "ModelTimeoutError",
    "Offer",
    "OpenAIModel",
    "Order",
    "Outcome",
    "Plan",
    "Platform",
    "PolicyError",
    "Prices",
    "PromptError",
    "PublicReply",
    "Reason",
    "Remedy",
    "Replier",
    "Reply",
    "Review",
    "Settings",
    "Severity",
    "Shop",
    "Signal",
    "Source",
    "Tally",
    "UnpublishableError",
    "Usage",
    "Violation",
    "Voice",
    "__version__",
    "check",
    "classify",
    "make_plan",
]

MODULES = sorted(
    each.name
    for each in walk_packages(calmreply.__path__, "calmreply.")
    if not each.name.endswith("__main__")
)


def test_these_are_the_public_names() -> None:
    assert sorted(calmreply.__all__) == sorted(NAMES)
    assert dir(calmreply) == sorted(calmreply.__all__)


@pytest.mark.parametrize("name", NAMES)
def test_a_public_name_can_be_imported(name: str) -> None:
    assert getattr(calmreply, name) is not None


def test_no_other_name_is_there() -> None:
    with pytest.raises(AttributeError, match="nonsense"):
        calmreply.nonsense  # noqa: B018


def test_no_room_is_called_like_a_public_name() -> None:
    # Importing a room binds its name in the package, over whatever stood there.
    assert not {f"calmreply.{name}" for name in NAMES} & set(MODULES)


@pytest.mark.parametrize(
    "first", ["calmreply.checks", "calmreply.replier", "calmreply.flow", "calmreply.cli"]
)
@pytest.mark.parametrize("name", ["check", "classify"])
def test_a_function_stays_one_whatever_was_imported_first(first: str, name: str) -> None:
    program = f"import {first}\nfrom calmreply import Replier, {name}\nprint(type({name}).__name__)"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)  # noqa: S603 - our own
    assert ended.stdout.strip() == "function"


@pytest.mark.parametrize("name", MODULES)
def test_a_module_says_what_it_is_for_and_what_is_public(name: str) -> None:
    module = import_module(name)
    assert module.__doc__
    own = public_definitions(Path(inspect.getfile(module)))
    listed = getattr(module, "__all__", None)
    assert listed is not None or not own, f"public names, but no __all__: {own}"
    assert len(set(listed or ())) == len(listed or ())
    for each in listed or ():
        assert hasattr(module, each)


def public_definitions(path: Path) -> list[str]:
    """Functions and classes a module defines without an underscore."""
    body = ast.parse(path.read_text(encoding="utf-8")).body
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return [each.name for each in body if isinstance(each, kinds) and not each.name.startswith("_")]
