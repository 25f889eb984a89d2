"""`calmreply batch`: reviews to files of requests, those to a server's batches, their answers to replies."""

from __future__ import annotations

import argparse
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from calmreply.cli.options import add_file_options, add_shop_option, shop_of
from calmreply.cli.output import tell
from calmreply.cli.run import amount, count, prices_of
from calmreply.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from openai import OpenAI

    from calmreply.batch import BatchSummary
    from calmreply.batch_files import Part
    from calmreply.replier import Replier
    from calmreply.settings import Settings

__all__ = ["add_parser", "collect", "export", "submit"]

_FINE, _WAITING, _FAILED = 0, 1, 3

_EPILOG = """\
the way of a batch:
  calmreply batch export reviews.csv -o DIR --shop shop.toml --model NAME
  calmreply batch submit DIR                 or: vllm run-batch -i DIR/requests-1-001.jsonl -o out.jsonl …
  calmreply batch collect DIR -o replies.jsonl --shop shop.toml       with vLLM: --output out.jsonl
and submit and collect again, as long as collect says that reviews wait (exit code 1)
"""


def add_parser(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command and its three steps to the parser."""
    parser = commands.add_parser(
        "batch",
        help="reply to a file of reviews by batches, at half price within a day",
        description="Reply to a file of reviews over the OpenAI Batch API, or with vLLM's run-batch. Every "
        "step may be run again: nothing is submitted or answered twice, and nothing is lost.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    steps = parser.add_subparsers(title="steps", metavar="STEP", required=True)
    _add_export(steps)
    _add_submit(steps)
    _add_collect(steps)


def export(arguments: argparse.Namespace) -> int:
    """Run `batch export`; returns the exit code."""
    from calmreply.batch import export_batch
    from calmreply.cli.options import Files
    from calmreply.platform import find_platform
    from calmreply.run import RunOptions
    from calmreply.settings import Settings

    find_platform(arguments.platform)
    files = Files(arguments)
    if files.target is None or files.target == "-":
        raise InputError("a batch needs a folder", hint="name it with -o, for instance -o batch")
    options = RunOptions(
        limit=arguments.limit,
        max_stars=arguments.max_stars,
        replied=arguments.replied,
        platform=arguments.platform,
        format=files.source_format,
        mapping=files.mapping,
    )
    if arguments.shop is None:
        tell("no --shop: the replies speak for a shop without contacts that offers a call back")
    url = arguments.base_url or _environment("OPENAI_BASE_URL")
    with _replier(arguments, arguments.model or _environment("CALMREPLY_MODEL"), url, Settings()) as replier:
        summary = export_batch(replier, files.source, files.target, options=options)
    read = summary.read
    tell(f"{read.rows:,} rows: {summary.reviews:,} taken, {read.skipped.total():,} skipped, {read.bad:,} bad")
    _tell(summary, files.target)
    return _FAILED if read.bad or summary.tally.failed else _FINE


def submit(arguments: argparse.Namespace) -> int:
    """Run `batch submit`; returns the exit code."""
    from calmreply.batch import submit_batch

    with _client(arguments.base_url or _header(arguments.folder).get("base_url")) as client:
        parts = submit_batch(arguments.folder, client)
    for part in parts:
        print(f"{part.name}: {part.rows:,} requests, {part.batch_id}, {part.status}")
    if not parts:
        tell("nothing to submit: every file of the last round was submitted before, or has ended")
    return _FINE


def collect(arguments: argparse.Namespace) -> int:
    """Run `batch collect`; returns the exit code."""
    from calmreply.batch import collect_batch
    from calmreply.settings import Settings

    header = _header(arguments.folder)
    url = header.get("base_url")
    settings = Settings(prices=prices_of(arguments.prices, batch=arguments.batch_share))
    with (
        _replier(arguments, header.get("model"), url, settings) as replier,
        _client(arguments.base_url or url) as client,
    ):
        summary = collect_batch(
            replier,
            arguments.folder,
            client=client,
            given=[*arguments.outputs, *arguments.errors],
            target=arguments.output,
            again=arguments.again,
            wait=arguments.wait,
        )
    _tell(summary, arguments.folder)
    if summary.waiting:
        return _WAITING
    return _FAILED if summary.tally.failed else _FINE


def _add_export(steps: argparse._SubParsersAction[Any]) -> None:
    parser = steps.add_parser(
        "export",
        help="reviews to files of requests",
        description="Write the requests for a file of reviews to DIR, at most 50,000 and 200 MB a file. "
        "Nothing is sent. Reviews that go to no model are answered by templates at once (DIR/replies.jsonl).",
        allow_abbrev=False,
    )
    add_file_options(parser)
    add_shop_option(parser)
    parser.add_argument("--model", metavar="NAME", help="the model's name; else CALMREPLY_MODEL")
    parser.add_argument("--base-url", metavar="URL", help="the server to submit to; else OPENAI_BASE_URL")
    parser.add_argument(
        "--platform", metavar="NAME", help="where the replies are posted; else the row's, the shop's"
    )
    parser.add_argument("--limit", metavar="N", type=count, help="take at most N reviews")
    parser.add_argument("--max-stars", metavar="N", type=count, help="skip reviews with more stars")
    parser.add_argument("--replied", action="store_true", help="take rows too that have a reply in IN")
    parser.set_defaults(func=export)


def _add_submit(steps: argparse._SubParsersAction[Any]) -> None:
    parser = steps.add_parser(
        "submit",
        help="files of requests to batches",
        description="Upload the files of the last round and make a batch of each, once.",
        allow_abbrev=False,
    )
    parser.add_argument("folder", metavar="DIR", help="the folder of the export")
    parser.add_argument("--base-url", metavar="URL", help="another server than the export's")
    parser.set_defaults(func=submit)


def _add_collect(steps: argparse._SubParsersAction[Any]) -> None:
    parser = steps.add_parser(
        "collect",
        help="answers of batches to replies",
        description="Make replies of what the batches answered: checked, mended, and where that is not "
        "enough asked for again in a next round, together with what expired, failed or is missing. Exit code "
        "0: every review has its reply; 1: some wait for a round; 3: some failed (DIR/replies.failed.jsonl).",
        allow_abbrev=False,
    )
    parser.add_argument("folder", metavar="DIR", help="the folder of the export")
    parser.add_argument("-o", "--output", metavar="OUT", help="all replies to a .jsonl or .csv file too")
    add_shop_option(parser)
    parser.add_argument("--base-url", metavar="URL", help="another server than the export's")
    for name, what in (("output", "an output"), ("errors", "an error")):
        parser.add_argument(
            f"--{name}-file",
            dest={"output": "outputs"}.get(name, name),
            metavar="FILE",
            action="append",
            default=[],
            help=f"{what} file of a batch run by hand; may be repeated",
        )
    parser.add_argument("--wait", action="store_true", help="stay until the batches have ended")
    parser.add_argument(
        "--again", action="store_true", help="ask again for what the server refused, once that is mended"
    )
    parser.add_argument(
        "--prices",
        metavar="IN,OUT[,CACHED]",
        help="what a million tokens of prompt, answer and cached prompt cost, in any currency: 0.25,2,0.025",
    )
    parser.add_argument(
        "--batch-share",
        metavar="X",
        type=amount,
        help="the share of --prices that a batch costs: 0.5 is half",
    )
    parser.set_defaults(func=collect)


def _header(folder: str) -> dict[str, Any]:
    """What a batch was made with."""
    from calmreply.batch_files import BatchFolder

    with BatchFolder(folder) as batch:
        return batch.known.header


@contextmanager
def _client(url: str | None) -> Iterator[OpenAI]:
    import openai

    # The SDK wants some key even for servers that want none.
    with openai.OpenAI(api_key=_environment("OPENAI_API_KEY") or "none", base_url=url) as client:
        yield client


@contextmanager
def _replier(
    arguments: argparse.Namespace, model: str | None, url: str | None, settings: Settings
) -> Iterator[Replier]:
    from calmreply.model import OpenAIModel
    from calmreply.replier import Replier

    with (
        _client(url) as client,
        Replier(
            shop_of(arguments.shop), OpenAIModel(client, model, settings=settings), settings=settings
        ) as replier,
    ):
        yield replier


def _tell(summary: BatchSummary, folder: str) -> None:
    """Print how the batch stands."""
    from calmreply.cli.run_progress import errors_line, in_brackets, sources_line, spent_parts

    tally = summary.tally
    lines = {
        "reviews": f"{summary.reviews:,}",
        "answered": f"{tally.replies:,}{in_brackets(sources_line(tally))}",
        "for a person": f"{tally.needs_human:,}",
        "kept": f"{summary.kept:,}" if summary.kept else "",
        "waiting": f"{summary.waiting:,}",
        "failed": f"{tally.failed:,}{in_brackets(errors_line(tally))}",
        "took": " · ".join(spent_parts(tally.usage)),
        "unreadable lines": f"{summary.unreadable:,}" if summary.unreadable else "",
        "round": _round(summary.parts),
    }
    print("\n".join(f"{label + ':':<17}{text}" for label, text in lines.items() if text))
    if summary.asked:
        tell(f"submit the next {summary.asked:,} requests: calmreply batch submit {folder}")


def _round(parts: list[Part]) -> str:
    if not parts:
        return ""
    stand = ", ".join(f"{part.name} {part.status or 'not submitted'}" for part in parts[:5])
    return f"{parts[0].round}: {stand}{' …' if len(parts) > 5 else ''}"  # noqa: PLR2004 - a line's worth


def _environment(name: str) -> str | None:
    return os.environ.get(name, "").strip() or None
