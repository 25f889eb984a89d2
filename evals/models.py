"""The model an evaluation asks: a server's, by options or environment, else the one on this machine."""

from __future__ import annotations

import contextlib
import inspect
from typing import TYPE_CHECKING

from calmreply.cli.options import client_of
from calmreply.embedded import EmbeddedAnswers, patient
from calmreply.errors import InputError
from calmreply.model import ModelAnswer, model_from_environment

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from calmreply.model import Model, ModelRequest
    from calmreply.settings import Settings

__all__ = ["add_model_options", "answered", "opened_model"]


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Add --model and --base-url; the key comes from OPENAI_API_KEY. With neither it is the embedded one."""
    parser.add_argument("--model", metavar="NAME", help="the model's name; else CALMREPLY_MODEL")
    parser.add_argument("--base-url", metavar="URL", help="an OpenAI-compatible server; else OPENAI_BASE_URL")
    parser.set_defaults(no_model=False)


@contextlib.contextmanager
def opened_model(options: argparse.Namespace, settings: Settings) -> Iterator[tuple[Model, Settings]]:
    """The model and the settings it was opened with; the embedded one gets its own patient defaults.

    Raises:
        InputError: the options do not say where the model is.
        EmbeddedModelError: nothing is named and there is no embedded model (raised at the first request).
    """
    with client_of(options, settings) as client:
        if client is not None:
            yield client, settings
            return
        named = model_from_environment(settings)
        settings = settings if named else patient(settings)
        with contextlib.closing(named or EmbeddedAnswers(settings)) as model:
            yield model, settings


def answered(model: Model, request: ModelRequest) -> ModelAnswer:
    """A sync model's answer.

    Raises:
        ModelError: no answer came.
        InputError: the model is an async one.
    """
    answer = model.complete(request)
    if isinstance(answer, ModelAnswer):
        return answer
    if inspect.iscoroutine(answer):
        answer.close()
    raise InputError("an evaluation asks a sync model", hint="give it an openai.OpenAI client")
