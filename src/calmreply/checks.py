"""Every rule over one reply: as a list of violations, or as a Pydantic model that will not validate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from calmreply.errors import InputError
from calmreply.plan import Plan
from calmreply.review import Review, as_review
from calmreply.rules import Case, all_rules

if TYPE_CHECKING:
    from collections.abc import Sequence

    from calmreply.violation import Violation

__all__ = ["PublicReply", "check", "errors_in"]


def check(text: str, plan: Plan, review: Review | str | None = None) -> list[Violation]:
    """Every broken rule of a reply, errors and warnings, in the order of the text.

    Args:
        text: the reply as it would be posted.
        plan: what the reply may say.
        review: the review it answers, or its text; an empty one where it is not known.

    Returns:
        Violations whose `start` and `end` index `text` as given; those of something missing come first.

    Raises:
        InputError: the text, the plan or the review is something else.
    """
    if not isinstance(text, str):
        raise InputError(f"a reply is a text, not {type(text).__name__}", hint="for a Reply pass its text")
    if not isinstance(plan, Plan):
        raise InputError(f"a plan is a Plan, not {type(plan).__name__}", hint="Plan.model_validate(mapping)")
    case = Case(text, plan, Review() if review is None else as_review(review))
    found = dict.fromkeys(violation for rule in all_rules().values() for violation in rule.violations(case))
    return sorted(found, key=lambda violation: (violation.start is not None, violation.start or 0))


def errors_in(violations: Sequence[Violation]) -> list[Violation]:
    """The violations that block publication."""
    return [violation for violation in violations if violation.is_error]


class PublicReply(BaseModel):
    """A reply that keeps every rule, or does not validate.

    Validate it with the plan, and the review where it is known, in the context:
    `PublicReply.model_validate({"text": text}, context={"plan": plan, "review": review})`.
    All broken rules come in ONE `ValidationError`; each error's `type` is the rule's name and its
    `ctx` holds `hint`, `start` and `end`. Without a plan it raises `plan_missing`, never passes.
    """

    model_config = ConfigDict(frozen=True)

    text: str = Field(description="The public reply to the customer's review, as plain text.")

    @model_validator(mode="after")
    def _keeps_every_rule(self, info: ValidationInfo) -> PublicReply:
        context: dict[str, Any] = info.context if isinstance(info.context, dict) else {}
        plan, review = context.get("plan"), context.get("review")
        if plan is None:
            raise PydanticCustomError(
                "plan_missing", "a reply can only be checked against a plan: pass it in the context as 'plan'"
            )
        plan = plan if isinstance(plan, Plan) else Plan.model_validate(plan)
        if review is not None and not isinstance(review, Review):
            review = Review.model_validate(review)
        broken = errors_in(check(self.text, plan, review))
        if broken:
            raise ValidationError.from_exception_data(
                type(self).__name__, [_as_error(violation, self.text) for violation in broken]
            )
        return self


def _as_error(violation: Violation, text: str) -> InitErrorDetails:
    message = f"{violation.message} {violation.hint}".strip()
    # The message comes in as a value: braces in a template would be read as its fields.
    context = {"message": message, "hint": violation.hint, "start": violation.start, "end": violation.end}
    return InitErrorDetails(
        type=PydanticCustomError(violation.rule, "{message}", context), loc=("text",), input=text
    )
