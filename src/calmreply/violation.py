"""A broken rule, as data."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict

__all__ = ["Severity", "Violation"]


class Severity(StrEnum):
    """How much a broken rule weighs."""

    ERROR = "error"
    WARNING = "warning"


class Violation(BaseModel):
    """One rule broken at one place.

    `start` and `end` are character offsets into the text as given; None where something is missing.
    `message` says what is wrong, `hint` how to put it right; both can be shown to people and to a model.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: str
    severity: Severity = Severity.ERROR
    message: str
    hint: str = ""
    start: int | None = None
    end: int | None = None

    @property
    def is_error(self) -> bool:
        """Whether it blocks publication."""
        return self.severity is Severity.ERROR
