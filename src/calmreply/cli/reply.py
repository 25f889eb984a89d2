"""`calmreply reply`: one review in, one reply out."""

from __future__ import annotations

import codecs
import json
import sys
from typing import TYPE_CHECKING, Any

from calmreply.cli.options import add_model_options, add_shop_option, client_of, shop_of
from calmreply.cli.output import (
    checks_line,
    human_line,
    plan_line,
    reading_line,
    reply_as_data,
    source_line,
    tell,
    tell_error,
)
from calmreply.errors import EmbeddedModelError, InputError

if TYPE_CHECKING:
    import argparse

    from calmreply.reply import Reply
    from calmreply.review import Review
    from calmreply.shop import Shop

__all__ = ["add_parser", "run"]


def add_parser(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "reply",
        help="write a public reply to one review",
        description="Write a public reply to one review: the reply on standard output, what was read and "
        "planned on standard error. Exit code 1 says that a person must see it first.",
        allow_abbrev=False,
    )
    parser.add_argument("text", metavar="TEXT", nargs="?", default="-", help="the review; - or none is stdin")
    parser.add_argument("--author", help="who wrote the review, as it is signed")
    parser.add_argument("--stars", metavar="N", help="1 to 5")
    parser.add_argument("--order-id", metavar="ID", help="the order's number, where it is known")
    parser.add_argument("--platform", metavar="NAME", help="where the reply is posted; else the shop's")
    parser.add_argument("--json", action="store_true", help="the whole reply as JSON, attempts and usage too")
    add_shop_option(parser)
    add_model_options(parser, without="a reply from the templates alone")
    parser.set_defaults(func=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the command; returns its exit code."""
    from calmreply.platform import find_platform

    find_platform(arguments.platform)  # a wrong name is told before a model is woken
    shop = shop_of(arguments.shop)
    if arguments.shop is None:
        tell("no --shop: the reply speaks for a shop without contacts that offers a call back")
    with client_of(arguments) as client:
        reply = _replied(shop, client, _review(arguments), arguments.platform)
    if arguments.json:
        print(json.dumps(reply_as_data(reply), ensure_ascii=False, indent=2))
    else:
        print(reply.text, flush=True)
        _summarise(reply)
    return int(reply.needs_human)


def _replied(shop: Shop, client: Any, review: Review, platform: str | None) -> Reply:
    from calmreply.replier import Replier

    try:
        with Replier(shop, client) as replier:
            return replier.reply(review, platform=platform)
    except EmbeddedModelError as error:
        tell_error(error)
        tell("going on with a template")
        with Replier(shop, client=False) as replier:
            return replier.reply(review, platform=platform)


def _review(arguments: argparse.Namespace) -> Review:
    from calmreply.review import Review
    from calmreply.tables import parse_stars

    stars = parse_stars(arguments.stars)
    if arguments.stars is not None and stars is None:
        raise InputError(f"--stars {arguments.stars!r} is no rating", hint="give 1 to 5")
    text = _from_stdin() if arguments.text == "-" else arguments.text
    if not text.strip() and stars is None:
        raise InputError("there is no review", hint="give its text, or --stars where it has none")
    return Review(text=text.strip(), author=arguments.author, stars=stars, order_id=arguments.order_id)


def _from_stdin() -> str:
    if sys.stdin.isatty():
        tell("type or paste the review, then press Ctrl-D")
    buffer = getattr(sys.stdin, "buffer", None)
    if buffer is None:
        return sys.stdin.read()
    data: bytes = buffer.read()
    is_utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return data.decode("utf-16" if is_utf16 else "utf-8-sig")
    except UnicodeDecodeError:
        raise InputError("standard input is no UTF-8 text", hint="save the review as UTF-8") from None


def _summarise(reply: Reply) -> None:
    lines = (
        ("read", reading_line(reply.classification)),
        ("plan", plan_line(reply.plan)),
        ("source", source_line(reply)),
        ("checks", checks_line(reply)),
        ("person", human_line(reply)),
        *(("warning", f"{one.message} {one.hint}".strip()) for one in reply.warnings),
        *(("note", note) for note in reply.notes),
    )
    print(file=sys.stderr)
    for label, line in lines:
        if line:
            print(f"{label + ':':<9}{line}", file=sys.stderr)
