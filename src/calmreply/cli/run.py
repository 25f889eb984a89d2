"""`calmreply run`: a file of reviews in, a row with a reply for each out; run again, it goes on."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from calmreply.cli.options import (
    Files,
    add_file_options,
    add_model_options,
    add_shop_option,
    async_client_of,
    shop_of,
)
from calmreply.cli.output import tell, tell_error
from calmreply.errors import CalmReplyError, InputError

if TYPE_CHECKING:
    from calmreply.replier import Replier
    from calmreply.run import RunOptions, RunSummary
    from calmreply.settings import Prices, Settings

__all__ = ["add_parser", "amount", "count", "prices_of", "run"]

_NOTHING_DONE, _BAD_ROWS, _INTERRUPTED = 2, 3, 130
_PRICES = (2, 3)


def add_parser(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "run",
        help="reply to a file of reviews; goes on where it ended",
        description="Reply to every review of a file. OUT gets one JSON line an answered review, appended as "
        "it is done. Run again, answered reviews are kept, and failed and edited ones done; of two rows with "
        "one id the later counts. Failed and bad rows go to OUT's .failed.jsonl with their reason. "
        "Exit code 3 says that something failed or the budget ended, 2 that nothing was answered.",
        allow_abbrev=False,
    )
    add_file_options(parser)
    add_shop_option(parser)
    add_model_options(parser, without="replies from the templates alone")
    parser.add_argument(
        "--platform", metavar="NAME", help="where the replies are posted; else the row's, the shop's"
    )
    _add_choice_options(parser)
    _add_spending_options(parser)
    parser.set_defaults(func=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the command; returns its exit code."""
    from calmreply.model import OpenAIModel
    from calmreply.platform import find_platform
    from calmreply.replier import Replier
    from calmreply.run import RunOptions

    find_platform(arguments.platform)  # a wrong name is told before a model is woken
    files = Files(arguments)
    if files.target is None:
        raise InputError(
            "a run needs a file to write to", hint="name it with -o, for instance -o replies.jsonl"
        )
    options = RunOptions(
        concurrency=arguments.concurrency,
        limit=arguments.limit,
        max_stars=arguments.max_stars,
        replied=arguments.replied,
        anyway=arguments.anyway,
        platform=arguments.platform,
        format=files.source_format,
        mapping=files.mapping,
    )
    settings, shop = _settings(arguments), shop_of(arguments.shop)
    if arguments.shop is None:
        tell("no --shop: the replies speak for a shop without contacts that offers a call back")
    client = async_client_of(arguments, settings)
    owned = isinstance(client, OpenAIModel)
    with Replier(shop, client, settings=settings, owns_client=owned) as replier:
        if arguments.dry_run:
            return _estimated(replier, files, options)
        return _answered(replier, files, options)


def _answered(replier: Replier, files: Files, options: RunOptions) -> int:
    from calmreply.cli.run_progress import RunProgress, summary_lines
    from calmreply.run import run_file

    progress = RunProgress()
    try:
        with progress:
            summary = run_file(replier, files.source, files.target or "", options=options, progress=progress)
    except (CalmReplyError, KeyboardInterrupt) as error:
        if progress.summary is not None:
            tell(f"stopped: {progress.line()}")
        if isinstance(error, CalmReplyError):
            raise
        tell("run the same command again to go on")
        return _INTERRUPTED
    print("\n".join(summary_lines(summary)))
    stopped = summary.tally.stopped
    if isinstance(stopped, CalmReplyError):
        tell_error(stopped)
    return _exit_code(summary)


def _exit_code(summary: RunSummary) -> int:
    if not (summary.bad or summary.tally.failed or summary.tally.stopped):
        return 0
    return _BAD_ROWS if summary.tally.replies or summary.kept else _NOTHING_DONE


def _estimated(replier: Replier, files: Files, options: RunOptions) -> int:
    from calmreply.cli.run_progress import estimate_lines
    from calmreply.run_estimate import estimate_file

    estimate = estimate_file(replier, files.source, files.target or "", options=options)
    print("\n".join(estimate_lines(estimate)))
    return 0


def _add_choice_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--limit", metavar="N", type=count, help="answer at most N reviews now")
    parser.add_argument("--max-stars", metavar="N", type=count, help="skip reviews with more stars")
    parser.add_argument("--replied", action="store_true", help="answer rows too that have a reply in IN")
    parser.add_argument(
        "--anyway",
        action="store_true",
        help="go on in OUT though it was made with another shop, settings, prompts, cues, model or address",
    )
    parser.add_argument(
        "--concurrency", metavar="N", type=count, default=16, help="reviews at a time (default: 16)"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="estimate calls, tokens and money; call and write nothing"
    )


def _add_spending_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--max-requests", metavar="N", type=count, help="stop before more HTTP requests")
    parser.add_argument("--max-tokens", metavar="N", type=count, help="stop before more tokens")
    parser.add_argument(
        "--max-cost", metavar="X", type=amount, help="stop before it costs more; needs --prices"
    )
    parser.add_argument(
        "--prices",
        metavar="IN,OUT[,CACHED]",
        help="what a million tokens of prompt, answer and cached prompt cost, in any currency: 0.25,2,0.025",
    )


def _settings(arguments: argparse.Namespace) -> Settings:
    from calmreply.settings import Budget, Settings

    prices = prices_of(arguments.prices)
    if prices is None and arguments.max_cost is not None:
        raise InputError("--max-cost needs --prices", hint="give what a million tokens cost: --prices 0.25,2")
    budget = Budget(requests=arguments.max_requests, tokens=arguments.max_tokens, cost=arguments.max_cost)
    return Settings(budget=budget, prices=prices)


def prices_of(table: str | None, *, batch: float | None = None) -> Prices | None:
    """The price table that `--prices` gives, None where it gives none.

    Raises:
        InputError: it is none.
    """
    from calmreply.settings import Prices

    if table is None:
        return None
    values = [amount(value) for value in table.split(",")]
    if len(values) not in _PRICES:
        raise InputError(f"--prices {table!r} is no table", hint="give IN,OUT or IN,OUT,CACHED")
    cached = values[2] if values[2:] else None
    return Prices(prompt=values[0], completion=values[1], cached=cached, batch=batch)


def count(value: str) -> int:
    """A number from 1 on, as argparse wants it told."""
    if not value.isdecimal() or int(value) < 1:
        raise argparse.ArgumentTypeError(f"{value!r} is no number from 1 on")
    return int(value)


def amount(value: str) -> float:
    """A number from 0 on.

    Raises:
        InputError: it is none.
    """
    try:
        amount = float(value)
    except ValueError:
        amount = -1.0
    if not 0 <= amount < float("inf"):
        raise InputError(f"{value!r} is no amount", hint="give a number such as 0.25")
    return amount
