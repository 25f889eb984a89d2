"""The way of a review to a reply, from top to bottom. Nothing here does I/O.

The flow is a generator: it yields a `ModelCall` or an `OrderLookup` and is sent the answer, or has the
failure thrown in. `replier.py` drives it, sync and async.

    read ─▶ plan ─▶ write ─▶ check ─▶ Reply(source="model")
                      ▲        │ broken
                      │        ├─ mend ─▶ check ─▶ Reply(source="mended")
                      └ re-ask ┤
                               └─ template ─▶ check ─▶ Reply(source="template")
"""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from calmreply.checks import check, errors_in
from calmreply.classifier import CONFIDENT, screen
from calmreply.errors import CalmReplyError, ModelError, ModelRefusedError
from calmreply.mend import mend, shown_share, unwrapped
from calmreply.model import usage_of
from calmreply.plan import Plan, Reason
from calmreply.planning import Order, make_plan
from calmreply.repetition import NEARLY_THE_SAME, RecentReplies, repetition
from calmreply.reply import Attempt, Reply, Source, Usage
from calmreply.review import Complaint, Signal
from calmreply.templates import render_template

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from calmreply.classifier import Classifier
    from calmreply.model import ModelAnswer, ModelRequest
    from calmreply.prompt import Prompts
    from calmreply.review import Classification, Review
    from calmreply.settings import Settings
    from calmreply.shop import Shop
    from calmreply.templates import Library, Rendered
    from calmreply.violation import Violation

__all__ = ["Flow", "ModelCall", "OrderLookup", "Setup", "classify_flow", "plan_flow", "reply_flow"]

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class ModelCall:
    """Wanted: the model's answer to a request (a `ModelAnswer`)."""

    request: ModelRequest


@dataclass(frozen=True, slots=True)
class OrderLookup:
    """Wanted: what the shop's books say about the order behind a review (an `Order` or None)."""

    review: Review


# Parts of the formula: when no try is left, any number of them may be put in.
_ALL = 6
# No reply is so long, on no platform; what an endless model says behind it is not read.
_LONGEST_DRAFT = 20_000

Flow = Generator[ModelCall | OrderLookup, Any, Result]


@dataclass(frozen=True, kw_only=True, slots=True)
class Setup:
    """What a flow works with: policy, settings, texts and a classifier, all of it read-only.

    `recent` are the replies given lately, which the next one must not repeat; each reply is added to them.
    """

    shop: Shop
    settings: Settings
    prompts: Prompts
    library: Library
    classifier: Classifier
    has_model: bool
    has_orders: bool
    masks: bool
    clock: Callable[[], float] = time.monotonic
    recent: RecentReplies = field(default_factory=lambda: RecentReplies(size=0))


def reply_flow(review: Review, setup: Setup, *, platform: str | None = None) -> Flow[Reply]:
    """Answer one review. Every reply it returns keeps every rule, or says that a person is needed."""
    plan, classification, spent = yield from plan_flow(review, setup, platform=platform)
    desk = _Desk(review, classification, plan, setup, spent)
    if not setup.has_model or _is_kept_from_models(review, plan):
        return desk.template()
    return (yield from _written(desk))


def plan_flow(
    review: Review, setup: Setup, *, platform: str | None = None, cautious: bool = True
) -> Flow[tuple[Plan, Classification, Usage]]:
    """Look the order up, read the review and plan the reply; the usage is what reading took."""
    order: Order | None = (yield OrderLookup(review)) if setup.has_orders else None
    classification, spent = yield from classify_flow(review, setup, order=order)
    plan = make_plan(review, classification, setup.shop, platform=platform, order=order, cautious=cautious)
    return plan, classification, spent


def classify_flow(
    review: Review, setup: Setup, *, order: Order | None = None
) -> Flow[tuple[Classification, Usage]]:
    """Read one review: locally first, and by the model where the reading is unsure and that is wanted.

    The local `at_risk` screen always comes first; a hit, or doubt, is never sent anywhere, nor is a
    review in a language it cannot read.
    """
    known = order if order is not None and order.found else None
    local = setup.classifier.classify(review, order=known)
    if local.confidence >= CONFIDENT or not _may_ask(review, local, setup):
        return local, Usage()
    try:
        answer: ModelAnswer = yield ModelCall(setup.prompts.classify_request(review, setup))
    except ModelError as error:
        if not _is_survivable(error):
            raise
        return local, error.usage or Usage()
    return setup.prompts.read_classification(answer, review, local), usage_of(answer, setup.settings)


def _may_ask(review: Review, local: Classification, setup: Setup) -> bool:
    wanted = setup.has_model and setup.settings.classify_with_model == "unsure"
    return wanted and setup.shop.serves(local.language) and not screen(review.text).keep_local


def _written(desk: _Desk) -> Flow[Reply]:
    """Write, check, mend, re-ask; mend harder, then the template, when the tries are used up."""
    setup, last = desk.setup, frozenset[str]()
    best: str | None = None  # of drafts that break a rule
    good: str | None = None  # one that keeps them all, but is nearly the same as an earlier reply
    request = setup.prompts.write_request(desk.review, desk.plan, setup)
    for _ in range(setup.settings.max_attempts):
        draft, broken = yield from _tried(desk, request)
        if draft is None:
            break
        if not broken:
            return desk.reply(draft, Source.MODEL, share=1.0)
        if all(one.rule == "repetition" for one in broken):
            good = draft
        elif good is None:
            mended = mend(draft, desk.plan, desk.review, setup.library)
            if mended is not None:
                return desk.mended(mended, draft)
            best = draft
        kinds = frozenset(violation.rule for violation in broken)
        if kinds == last:
            break  # the same rules broken again: another try would only cost
        last = kinds
        request = setup.prompts.repair_request(request, draft, broken)
    if good is not None:
        return desk.reply(good, Source.MODEL, share=1.0)
    mended = mend(best, desk.plan, desk.review, setup.library, most_missing=_ALL) if best else None
    return desk.mended(mended, best) if best and mended else desk.template()


def _tried(desk: _Desk, request: ModelRequest) -> Flow[tuple[str | None, Sequence[Violation]]]:
    """One try: the draft and the rules it breaks; no draft where asking again would be no use."""
    start = desk.setup.clock()
    try:
        answer: ModelAnswer = yield ModelCall(request)
    except ModelError as error:
        usage = error.usage or Usage()
        desk.note(Attempt(error=error.code, usage=usage, seconds=desk.setup.clock() - start))
        if not _is_survivable(error):
            error.usage = desk.usage
            raise
        return None, ()
    except CalmReplyError as error:  # the budget: what was spent so far goes with it
        error.usage = desk.usage
        raise
    text = answer.text if isinstance(answer.text, str) else ""
    is_cut = answer.finish_reason == "length" or len(text) > _LONGEST_DRAFT
    draft = unwrapped(text[:_LONGEST_DRAFT], was_cut=is_cut)
    draft = desk.setup.prompts.own_words(draft, desk.review, desk.plan, desk.setup, request)
    refused = answer.refusal is not None or answer.finish_reason == "content_filter"
    broken = () if refused else desk.broken(draft)
    desk.note(
        Attempt(
            draft=text,
            violations=tuple(broken),
            finish_reason=answer.finish_reason,
            error="refused" if refused else None if text.strip() else "empty",
            usage=usage_of(answer, desk.setup.settings),
            seconds=desk.setup.clock() - start,
        )
    )
    return (None if refused else draft), broken


def _is_kept_from_models(review: Review, plan: Plan) -> bool:
    """Whether the review goes to no model.

    At risk, perhaps at risk, or in a language the screen cannot read: never. Nothing to go on, or
    praise: there is nothing to add to a template, and much to invent.
    """
    if plan.complaint is Complaint.OTHER or Signal.PRAISE in plan.signals:
        return True
    return plan.at_risk or Reason.LANGUAGE in plan.reasons or screen(review.text).keep_local


def _is_survivable(error: ModelError) -> bool:
    """Whether the template answers for the model: not where the caller must mend key, name or request."""
    return error.retryable or isinstance(error, ModelRefusedError)


class _Desk:
    """One review being answered: what is known about it and what has been tried."""

    def __init__(
        self, review: Review, classification: Classification, plan: Plan, setup: Setup, spent: Usage
    ) -> None:
        self.review = review
        self.classification = classification
        self.plan = plan
        self.setup = setup
        self._spent = spent
        self._attempts: list[Attempt] = []

    @property
    def usage(self) -> Usage:
        """What this review has cost so far, over every call."""
        return self._spent + Usage.total(attempt.usage for attempt in self._attempts)

    def note(self, attempt: Attempt) -> None:
        self._attempts.append(attempt)

    def broken(self, draft: str) -> list[Violation]:
        """The rules a model's draft breaks; for a model, inventing what happened is an error.

        One that breaks none may still be nearly the same as an earlier reply.
        """
        found = check(draft, self.plan, self.review)
        broken = [violation for violation in found if violation.is_error or violation.rule == "invented"]
        return broken or self._repeated(draft)

    def mended(self, text: str, draft: str) -> Reply:
        """A mended draft; where the model wrote no more than half of it, the whole template reads better."""
        share = shown_share(text, draft, self.plan.language)
        return self.reply(text, Source.MENDED, share=share) if share > 0.5 else self.template()  # noqa: PLR2004 - half

    def template(self) -> Reply:
        """The review's own template; where that was said word for word of late, another variant.

        One more is looked at, not all: of 200 replies to like complaints a third and a fourth save little.
        """
        seed = self.review.id or self.review.text
        rendered = self._rendered(seed)
        if self.setup.recent.has_said(rendered.text, self.plan):
            other = self._rendered(f"{seed}|again")
            rendered = rendered if other.violations else other
        return self.reply(rendered.text, Source.TEMPLATE, share=0.0, template=rendered.template_id)

    def _rendered(self, seed: str) -> Rendered:
        return render_template(self.plan, self.review, library=self.setup.library, seed=seed)

    def _repeated(self, text: str, source: Source = Source.MODEL) -> list[Violation]:
        """The warning that a reply is nearly an earlier one; a template, that it is one word for word."""
        recent = self.setup.recent
        if source is Source.TEMPLATE:
            return [repetition()] if recent.has_said(text, self.plan) else []
        return [repetition()] if recent.likeness(text, self.plan) >= NEARLY_THE_SAME else []

    def _notes(self) -> tuple[str, ...]:
        return self.setup.prompts.notes(self.review, self.plan, self.setup)

    def reply(self, text: str, source: Source, *, share: float, template: str | None = None) -> Reply:
        found = [*check(text, self.plan, self.review), *self._repeated(text, source)]
        self.setup.recent.add(text, self.plan)
        reasons = [*self.plan.reasons, *(f"rule:{one.rule}" for one in errors_in(found))]
        return Reply(
            text=text,
            publishable=not reasons,
            needs_human=bool(reasons),
            reasons=tuple(dict.fromkeys(str(reason) for reason in reasons)),
            language=self.plan.language,
            classification=self.classification,
            plan=self.plan,
            source=source,
            model_share=share,
            template=template,
            warnings=tuple(one for one in found if not one.is_error),
            attempts=tuple(self._attempts),
            notes=self._notes() if self._attempts else (),
            usage=self.usage,
        )
