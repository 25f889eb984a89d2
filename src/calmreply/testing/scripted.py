"""A model that answers from a script."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from calmreply.errors import ModelError
from calmreply.model import ModelAnswer, ModelRequest

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["AsyncScriptedModel", "ScriptedModel"]


class ScriptedModel:
    """Answers from a script, first in, first out, and keeps every request it was asked.

    A step is a text, a whole `ModelAnswer`, or a `ModelError` to raise. When the script is used up
    it raises `IndexError`: a test that asks too often fails.

    Example:
        >>> model = ScriptedModel(["Thank you for telling us."])
        >>> model.complete(ModelRequest(messages=(), max_tokens=9)).text
        'Thank you for telling us.'
    """

    def __init__(self, script: Iterable[str | ModelAnswer | ModelError] = ()) -> None:
        self.script = deque(script)
        self.requests: list[ModelRequest] = []

    def complete(self, request: ModelRequest) -> ModelAnswer:
        """Answer with the next step of the script.

        Raises:
            ModelError: the next step is one.
            IndexError: the script is used up.
        """
        self.requests.append(request)
        if not self.script:
            raise IndexError(f"the script is used up after {len(self.requests) - 1} answers")
        step = self.script.popleft()
        if isinstance(step, ModelError):
            raise step
        if isinstance(step, ModelAnswer):
            return step
        return ModelAnswer(text=step, prompt_tokens=100, completion_tokens=len(step.split()))


class AsyncScriptedModel(ScriptedModel):
    """The same over an async method."""

    async def complete(self, request: ModelRequest) -> ModelAnswer:  # type: ignore[override]
        """Answer with the next step of the script."""
        return super().complete(request)
