"""`calmreply classify`: what each review of a file says."""

from __future__ import annotations

import functools
import os
from typing import TYPE_CHECKING, Any

from calmreply.cli.options import (
    Files,
    add_file_options,
    add_model_options,
    add_shop_option,
    client_of,
    shop_of,
)

if TYPE_CHECKING:
    import argparse

    from calmreply.replier import Replier
    from calmreply.tables import Row

__all__ = ["add_parser", "run"]


def add_parser(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "classify",
        help="read the complaints in a file of reviews",
        description="Read each review: complaint, complaints, signals, details, language, confidence and "
        "evidence. Columns it does not know are carried through.",
        allow_abbrev=False,
    )
    add_file_options(parser)
    add_shop_option(parser)
    add_model_options(parser, without="the local classifier alone; nothing leaves this machine")
    parser.set_defaults(func=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the command; returns its exit code."""
    from calmreply.cli.rows import process
    from calmreply.replier import Replier

    files, shop = Files(arguments), shop_of(arguments.shop)
    with client_of(arguments) as client:
        if client is None and not os.environ.get("CALMREPLY_MODEL", "").strip():
            client = False  # noqa: PLW2901 - the embedded model never reads reviews: no need to wake it
        with Replier(shop, client) as replier:
            return process(files, functools.partial(_classified, replier)).exit_code


def _classified(replier: Replier, row: Row) -> dict[str, object]:
    from calmreply.cli.rows import review_values
    from calmreply.review import Review

    found = replier.classify(Review.model_validate(review_values(row)))
    result: dict[str, object] = {
        "id": row.values["id"],
        "complaint": str(found.complaint),
        "complaints": list(map(str, found.complaints)),
        "signals": sorted(map(str, found.signals)),
        "details": list(found.details),
        "language": found.language,
        "confidence": round(found.confidence, 4),
        "evidence": list(found.evidence),
    }
    for column, value in row.extra.items():
        # A column of the same name as one of ours is kept beside it.
        result[f"input_{column}" if column in result else column] = value
    return result
