"""Who writes the drafts in an eval: nobody, the embedded model, a server's model, or inspect's own."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from calmreply.embedded import EmbeddedAnswers, patient
from calmreply.errors import InputError, ModelServerError
from calmreply.model import ModelAnswer
from calmreply.settings import Settings

if TYPE_CHECKING:
    from calmreply.model import ModelRequest

__all__ = ["InspectModel", "opened_writer", "writer_name"]


def opened_writer(
    writer: str | Any, *, base_url: str | None = None, attempts: int | None = None
) -> tuple[Any, Settings]:
    """What `Replier` takes as its client, and the settings that suit it.

    Args:
        writer: "templates" (no model), "embedded", "inspect" (the model that `--model` names), the name of
            any model behind an OpenAI-compatible server, or an object with the method of `Model`.
        base_url: that server; else OPENAI_BASE_URL, else OpenAI's own. The key is OPENAI_API_KEY.
        attempts: how many drafts at most; the writer's own default if None.

    Raises:
        InputError: nothing says where the named model is.
    """
    settings = Settings(classify_with_model="never", **({"max_attempts": attempts} if attempts else {}))
    if not isinstance(writer, str):
        return writer, settings
    if writer == "templates":
        return False, settings
    if writer == "inspect":
        return InspectModel(settings), settings
    if writer == "embedded":
        # A busy machine is slow, and asking it again makes it slower.
        settings = patient(settings).model_copy(update={"timeout_seconds": 900.0, "deadline_seconds": 900.0})
        return EmbeddedAnswers(settings), settings
    return _served(writer, base_url, settings), settings


def writer_name(writer: str | Any) -> str:
    """How a writer is called in tables."""
    return writer if isinstance(writer, str) else type(writer).__name__


class InspectModel:
    """The model of the running eval as calmreply's `Model`: any provider that inspect knows.

    Its retries, connections, cache and log of calls are inspect's.
    """

    is_async = True
    is_local = False

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def complete(self, request: ModelRequest) -> ModelAnswer:
        """Answer one request.

        Raises:
            ModelServerError: the provider answered with an error.
        """
        from inspect_ai.model import (
            ChatMessageAssistant,
            ChatMessageSystem,
            ChatMessageUser,
            GenerateConfig,
            get_model,
        )

        kinds = {"system": ChatMessageSystem, "user": ChatMessageUser, "assistant": ChatMessageAssistant}
        messages = [kinds[one.role](content=one.content) for one in request.messages]
        config = GenerateConfig(max_tokens=request.max_tokens, temperature=self._settings.temperature)
        output = await get_model().generate(messages, config=config)
        if output.error is not None:
            raise ModelServerError("the eval's model failed", hint="see the call in inspect's log")
        used = output.usage
        return ModelAnswer(
            text=output.completion or None,
            finish_reason="length" if output.stop_reason == "max_tokens" else output.stop_reason,
            prompt_tokens=used.input_tokens if used else 0,
            completion_tokens=used.output_tokens if used else 0,
            model=output.model,
        )


def _served(name: str, base_url: str | None, settings: Settings) -> Any:
    from openai import OpenAI

    from calmreply.model import OpenAIModel

    key, url = os.environ.get("OPENAI_API_KEY"), base_url or os.environ.get("OPENAI_BASE_URL")
    if not (key or url):
        raise InputError(
            f"the writer is {name!r}, but nothing says where that model is",
            hint='give base_url or set OPENAI_API_KEY; without a server: "templates", "embedded", "inspect"',
        )
    client = OpenAI(api_key=key or "none", base_url=url)
    return OpenAIModel(client, name, settings=settings, owns_client=True)
