"""`calmreply check`: which rules the replies of a file break, whoever wrote them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from calmreply.cli.options import Files, add_file_options, add_shop_option, shop_of
from calmreply.cli.output import tell
from calmreply.errors import InputError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from pydantic import ValidationError

    from calmreply.plan import Plan
    from calmreply.replier import Replier
    from calmreply.review import Review
    from calmreply.tables import Row
    from calmreply.violation import Violation

__all__ = ["add_parser", "audited", "run"]

_MOST_FIELDS_NAMED = 3


def add_parser(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "check",
        help="check replies that somebody wrote",
        description="Check replies written by anyone. A row holds id, review (text, author, stars) or these "
        "as columns, reply, and optionally a plan; without one it is made from the review and --shop. "
        "Out come id, publishable and violations. Exit code 1 says that a reply is not publishable.",
        allow_abbrev=False,
    )
    add_file_options(parser)
    add_shop_option(parser)
    parser.add_argument(
        "--explain",
        action="store_true",
        help="say in plain words what is broken: on standard output, or with -o on standard error",
    )
    parser.set_defaults(func=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the command; returns its exit code."""
    from calmreply.cli.rows import process
    from calmreply.replier import Replier

    files = Files(arguments)
    with Replier(shop_of(arguments.shop), client=False) as replier:
        auditor = _Auditor(replier, files, has_shop=arguments.shop is not None, explains=arguments.explain)
        tally = process(files, auditor.checked, writes=files.target is not None or not arguments.explain)
    good = tally.done - auditor.unpublishable
    bad_rows = f", {tally.bad} bad row{'s' if tally.bad > 1 else ''}" if tally.bad else ""
    counted = "1 reply" if tally.done == 1 else f"{tally.done} replies"
    tell(f"{counted} checked: {good} publishable, {auditor.unpublishable} not{bad_rows}")
    tally.found = auditor.unpublishable
    return tally.exit_code


def audited(row: Row, replier: Replier, *, has_shop: bool) -> tuple[Review, Plan, str]:
    """What a row is checked by: its review, its own plan or one made from the review, and the reply.

    Without a shop of the caller's nothing is known to be owed, and nobody's contact is the shop's.

    Raises:
        InputError: there is no reply, or the plan is none.
    """
    review, reply = _review(row), row.values.get("reply")
    if not reply:
        raise InputError("no reply", hint="a column `reply` holds it, or --map reply=COLUMN names one")
    if (given := row.values.get("plan")) is not None:
        return review, _given_plan(given), reply
    plan = replier.plan(review, cautious=False)
    return review, plan if has_shop else _without_policy(plan), reply


class _Auditor:
    """Checks row by row."""

    def __init__(self, replier: Replier, files: Files, *, has_shop: bool, explains: bool) -> None:
        self.unpublishable = 0
        self._replier = replier
        self._has_shop = has_shop
        self._explains = explains
        self._explains_to_stderr = files.target is not None
        self._has_warned = False

    def checked(self, row: Row) -> dict[str, object]:
        from calmreply.checks import check, errors_in

        review, plan, reply = audited(row, self._replier, has_shop=self._has_shop)
        self._warn(row)
        violations = check(reply, plan, review)
        publishable = not errors_in(violations)
        self.unpublishable += not publishable
        if self._explains:
            self._explain(row.values["id"], reply, plan, violations)
        return {
            "id": row.values["id"],
            "publishable": publishable,
            "violations": [one.model_dump(mode="json") for one in violations],
        }

    def _warn(self, row: Row) -> None:
        if self._has_shop or self._has_warned or row.values.get("plan") is not None:
            return
        self._has_warned = True
        tell("neither a plan nor --shop: no contact is known to be the shop's, and any offer is a promise")

    def _explain(self, name: str, reply: str, plan: Plan, violations: Sequence[Violation]) -> None:
        from calmreply.cli.explain import explanation

        stream = sys.stderr if self._explains_to_stderr else sys.stdout
        print(explanation(name, reply, plan, violations), file=stream)


def _review(row: Row) -> Review:
    from calmreply.cli.rows import review_values
    from calmreply.review import Review

    return Review.model_validate(review_values(row))


def _given_plan(values: dict[str, Any]) -> Plan:
    from pydantic import ValidationError

    from calmreply.languages import load_language
    from calmreply.plan import Plan
    from calmreply.platform import find_platform

    try:
        plan = Plan.model_validate(values)
    except ValidationError as error:
        raise InputError(f"plan: {_said(error)}") from None
    load_language(plan.language)
    find_platform(plan.platform)
    return plan


def _said(error: ValidationError) -> str:
    """What is wrong with a plan, naming its fields and none of its values."""
    wrong = error.errors(include_input=False, include_url=False)
    said = [f"{'.'.join(map(str, one['loc'])) or 'it'}: {one['msg']}" for one in wrong[:_MOST_FIELDS_NAMED]]
    return "; ".join(said) + (" …" if len(wrong) > _MOST_FIELDS_NAMED else "")


def _without_policy(plan: Plan) -> Plan:
    """The plan for a shop nobody told us about: nothing is owed, nothing may be promised, nobody has a name.

    At risk the promised contact stays, whoever makes it and whenever.
    """
    from calmreply.plan import Action, Remedy

    remedy = Remedy(action=Action.CALLBACK) if plan.at_risk else None
    unknown = {"private_remedy": None, "channel": None, "shop_name": None, "role": None, "asks_order": False}
    return plan.model_copy(update={"remedy": remedy, "contacts": (), **unknown})
