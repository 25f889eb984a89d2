"""Options that several commands share, and what they stand for: a shop's policy, a model, files."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from calmreply.errors import InputError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from calmreply.settings import Settings
    from calmreply.shop import Shop

__all__ = [
    "Files",
    "add_file_options",
    "add_model_options",
    "add_shop_option",
    "async_client_of",
    "client_of",
    "shop_of",
]

_ENDINGS = {".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".parquet", ".pq"}


class Files:
    """Where rows come from and go to. An ending decides the format, `--format` where there is none."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        from calmreply.tables import parse_mapping

        self.source: str = arguments.input
        self.target: str | None = arguments.output
        self.mapping = parse_mapping(arguments.map)
        self._format: Literal["jsonl", "csv"] | None = arguments.format

    @property
    def source_format(self) -> Literal["jsonl", "csv"] | None:
        """The input's format, None where its name or first character tells."""
        return self._asked_for(self.source)

    @property
    def target_format(self) -> Literal["jsonl", "csv"] | None:
        """The output's format, None where its name tells."""
        return self._asked_for(self.target or "-")

    def _asked_for(self, path: str) -> Literal["jsonl", "csv"] | None:
        return None if Path(path).suffix.lower() in _ENDINGS else self._format


def add_file_options(parser: argparse.ArgumentParser) -> None:
    """Add IN, -o, --map and --format."""
    parser.add_argument(
        "input", metavar="IN", help="reviews as JSON lines, CSV or Parquet, by the ending; - is stdin"
    )
    parser.add_argument("-o", "--output", metavar="OUT", help="to .jsonl or .csv; - or nothing is stdout")
    parser.add_argument(
        "--map",
        metavar="FIELD=COLUMN",
        action="append",
        default=[],
        help="the column of a field (text, stars, reply …) whose heading is not known; may be repeated",
    )
    parser.add_argument(
        "--format", choices=("jsonl", "csv"), help="the format where no ending tells it: stdin and stdout"
    )


def add_shop_option(parser: argparse.ArgumentParser) -> None:
    """Add --shop."""
    parser.add_argument("--shop", metavar="FILE", type=Path, help="the shop's policy (shop.toml)")


def add_model_options(parser: argparse.ArgumentParser, *, without: str) -> None:
    """Add --model, --base-url and --no-model; `without` says what the last one means here."""
    parser.add_argument("--model", metavar="NAME", help="the model's name; else CALMREPLY_MODEL")
    parser.add_argument("--base-url", metavar="URL", help="an OpenAI-compatible server; else OPENAI_BASE_URL")
    parser.add_argument("--no-model", action="store_true", help=without)


def shop_of(path: Path | None) -> Shop:
    """The policy in a file; without one, that of a neutral shop: a call back for everything, no contacts."""
    from calmreply.shop import Shop

    return Shop(name="Shop") if path is None else Shop.load(path)


@contextlib.contextmanager
def client_of(arguments: argparse.Namespace, settings: Settings | None = None) -> Iterator[Any]:
    """What `Replier` takes as its client: a model by the options, False for none, None for its own choice.

    `settings` are for the model of the options; the default ones if None.

    Raises:
        InputError: the options contradict each other, or do not say where the model is.
    """
    address = _address(arguments)
    if address is None:
        yield False if arguments.no_model else None
        return
    import openai

    from calmreply.model import OpenAIModel

    model = OpenAIModel(openai.OpenAI(**address), arguments.model, settings=settings, owns_client=True)
    with contextlib.closing(model):
        yield model


def async_client_of(arguments: argparse.Namespace, settings: Settings) -> Any:
    """The same for many reviews at a time: a model that is the caller's to close, False or None.

    Raises:
        InputError: as `client_of`.
    """
    from calmreply.model import OpenAIModel, model_from_environment

    address = _address(arguments)
    if address is None:
        return False if arguments.no_model else model_from_environment(settings, use_async=True)
    import openai

    return OpenAIModel(openai.AsyncOpenAI(**address), arguments.model, settings=settings, owns_client=True)


def _address(arguments: argparse.Namespace) -> dict[str, Any] | None:
    """Key and base URL of the model that the options name; None where they name none."""
    name, url = arguments.model, arguments.base_url
    if arguments.no_model and (name or url):
        raise InputError("--no-model goes with neither --model nor --base-url", hint="leave one of them out")
    if not (name or url):
        return None
    key, url = _environment("OPENAI_API_KEY"), url or _environment("OPENAI_BASE_URL")
    if url is not None and not re.match(r"https?://[^/]", url):
        raise InputError(f"--base-url {url!r} is no address", hint="for instance http://127.0.0.1:8080/v1")
    if key is None and url is None:
        raise InputError(
            f"--model names {name!r}, but nothing says where it is",
            hint="set OPENAI_API_KEY, or give --base-url for a server of your own",
        )
    # The SDK wants some key even for servers that want none.
    return {"api_key": key or "none", "base_url": url}


def _environment(name: str) -> str | None:
    return os.environ.get(name, "").strip() or None
