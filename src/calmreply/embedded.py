"""The embedded model as a `Model`: its server starts with the first request."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from calmreply.local import MODEL_FILE, shared_embedded_model

if TYPE_CHECKING:
    from calmreply.model import ModelAnswer, ModelRequest, OpenAIModel
    from calmreply.settings import Settings

__all__ = ["EmbeddedAnswers", "patient"]


# Zero-shot the model reads worse than the local classifier (45 % and 50 % right against 64 % and 66 %
# on 418 real reviews), and what it tells of a complaint in its own words is wrong in a third of the
# drafts, in sentences that break no rule (`evals/RESULTS.md`). A busy machine is slow, and asking it
# again makes it slower; held to the plan's details, a second draft mends little that a template does not.
_OWN_DEFAULTS = {
    "classify_with_model": "never",
    "grounding": "strict",
    "max_attempts": 1,
    "timeout_seconds": 300.0,
    "deadline_seconds": 300.0,
    "transport_attempts": 1,
}


def patient(settings: Settings) -> Settings:
    """The settings with the embedded model's own defaults where the caller has set nothing."""
    own = {name: value for name, value in _OWN_DEFAULTS.items() if name not in settings.model_fields_set}
    return settings.model_copy(update=own)


class EmbeddedAnswers:
    """Answers from the model on this machine; nothing leaves it.

    The server is one for the whole process and ends with it; `close` ends only this way to it.
    """

    is_async = False
    is_local = True
    name = MODEL_FILE.name

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._model: OpenAIModel | None = None

    def complete(self, request: ModelRequest) -> ModelAnswer:
        """Answer one request.

        Raises:
            EmbeddedModelError: the server does not start.
            ModelError: no answer came.
        """
        # Over a sync client it is an answer, never an awaitable.
        return self._opened().complete(request)  # type: ignore[return-value]

    def close(self) -> None:
        """Close the connections; the server goes on for others."""
        with self._lock:
            model, self._model = self._model, None
        if model is not None:
            model.close()

    def _opened(self) -> OpenAIModel:
        with self._lock:
            if self._model is None:
                import httpx2
                from openai import OpenAI

                from calmreply.model import OpenAIModel

                server = shared_embedded_model()
                # No proxy stands between a program and its own loopback.
                http = httpx2.Client(trust_env=False, timeout=self._settings.timeout_seconds)
                client = OpenAI(base_url=server.base_url, api_key=server.api_key, http_client=http)
                self._model = OpenAIModel(
                    client, server.model_name, settings=self._settings, owns_client=True
                )
            return self._model
