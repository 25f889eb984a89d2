"""What a model is asked: rules, examples, the plan, and the review as data that cannot speak for us."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from calmreply.details import own_details
from calmreply.echo import without_echo
from calmreply.grounding import grounded
from calmreply.languages import load_language
from calmreply.model import Message, ModelRequest
from calmreply.model_reading import read_answer
from calmreply.planning import Order, make_plan
from calmreply.platform import find_platform
from calmreply.prompt_files import read_classify_text, read_prompts
from calmreply.review import Classification, Complaint, Signal
from calmreply.shown import as_json, cut, shown
from calmreply.slots import capitalised
from calmreply.unasked import secret_runs, without_unasked
from calmreply.voices import voice_words
from calmreply.wording import Wording, pick

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from calmreply.flow import Setup
    from calmreply.model import ModelAnswer
    from calmreply.plan import Plan
    from calmreply.prompt_files import Example, LanguagePrompts, PromptText
    from calmreply.review import Review
    from calmreply.shop import Shop
    from calmreply.violation import Violation

__all__ = ["CUT_NOTE", "Prompts", "example_turn"]

CUT_NOTE = "review cut for the model"
"""The note on a reply whose review was longer than the model was shown."""

_STARTS = frozenset({"opening", "understanding"})
_INSTRUCTING = frozenset({"guidance", "never", "form"})
_MOST_EXAMPLES = 3
_MOST_CLASSIFY_TOKENS = 300
_ROOMY_CHARACTERS = 1000
_FEWEST_TELLING_WORDS = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class _WriteRequest(ModelRequest):
    """A request for a draft that remembers what every further try starts from."""

    language: str
    form: str = ""
    originals: tuple[Message, ...] = field(repr=False)
    openings: tuple[str, ...] = field(default=(), repr=False)  # of other replies: shown, but no secret


class Prompts:
    """The prompts of one shop: the bundled files, or its own of the same name.

    Args:
        languages: the prompt files by language code.
        classify: the prompt that has a model read a review.
    """

    def __init__(self, languages: Mapping[str, LanguagePrompts], classify: PromptText) -> None:
        self._languages = languages
        self._classify = classify
        # Safe across threads without a lock: whoever comes second puts in the same again.
        self._examples: dict[tuple[str | None, ...], tuple[Message, ...]] = {}

    @classmethod
    def load(cls, shop: Shop) -> Prompts:
        """Read the files for a shop's languages.

        Raises:
            PromptError: a file cannot be read, or a variable or key in it is unknown or missing.
        """
        languages = {code: read_prompts(code, shop.prompts) for code in shop.languages}
        return cls(languages, read_classify_text(shop.prompts))

    def write_request(self, review: Review, plan: Plan, setup: Setup) -> ModelRequest:
        """The request for a first draft: rules, examples, the plan, and the review as data."""
        texts = self._languages[plan.language]
        seed = review.id or review.text
        wording = _wording(plan, setup, seed)
        system = texts.system.filled(_shop_values(texts, setup.shop, plan.language))
        is_strict = setup.settings.grounding == "strict"
        values = _plan_values(
            texts, plan, wording, seed, is_vague=_is_vague(review) or is_strict, is_strict=is_strict
        )
        # A small model takes words from whatever it is shown: it is not told what others were.
        recent = () if is_strict else setup.recent.openings(plan.language, unlike=values["opening"] or "")
        values["recent"] = " / ".join(recent) or None
        messages = (
            Message(role="system", content=system),
            *self._example_messages(plan, setup),
            Message(
                role="user",
                content=texts.plan.filled({**values, "review": shown(review, plan.language, setup)}),
            ),
        )
        return _WriteRequest(
            messages=messages,
            max_tokens=setup.settings.max_reply_tokens,
            language=plan.language,
            form=values["form"] or "",
            originals=messages,
            openings=recent,
        )

    def repair_request(
        self, request: ModelRequest, draft: str, violations: Iterable[Violation]
    ) -> ModelRequest:
        """The request for another try: the first one's messages, the last draft and what is wrong with it.

        Earlier drafts are not in it, so no request grows with the tries.

        Raises:
            TypeError: `request` comes from elsewhere.
        """
        if not isinstance(request, _WriteRequest):
            raise TypeError("only a request of write_request or repair_request can be repaired")
        problems = "\n".join(dict.fromkeys(_problem_line(one, draft) for one in violations))
        repair = self._languages[request.language].repair.filled(
            {"draft": draft, "problems": problems, "form": request.form}
        )
        return _WriteRequest(
            messages=(
                *request.originals,
                Message(role="assistant", content=draft),
                Message(role="user", content=repair),
            ),
            max_tokens=request.max_tokens,
            language=request.language,
            form=request.form,
            originals=request.originals,
            openings=request.openings,
        )

    def classify_request(self, review: Review, setup: Setup) -> ModelRequest:
        """The request to read a review; its answer is for `read_classification`."""
        seen = shown(review, setup.shop.languages[0], setup)
        head, _, tail = self._classify.source.partition("{review}")
        rules, _, opening = head.rpartition("\n\n")
        return ModelRequest(
            messages=(
                Message(role="system", content=rules.strip()),
                Message(role="user", content=f"{opening}{seen}{tail}".strip()),
            ),
            max_tokens=_MOST_CLASSIFY_TOKENS,
            purpose="classify",
        )

    def read_classification(
        self, answer: ModelAnswer, review: Review, local: Classification
    ) -> Classification:
        """What the model read, held to the closed vocabulary and to the review's own words.

        A complaint counts only with evidence that stands in the review word for word. `at_risk` may be
        added, never taken away. Whatever cannot be read leaves the local reading as it was.
        """
        return read_answer(answer.text or "", review, local)

    def own_words(
        self, draft: str, review: Review, plan: Plan, setup: Setup, request: ModelRequest | None = None
    ) -> str:
        """A draft without the sentences that the model has from its instructions or from the review.

        Nor with those that nobody asked for; under strict grounding, that tell more than the plan knows.
        `request` is the one the draft answers.
        """
        told = f"{review.text}\n{review.product or ''}"
        texts = self._languages[plan.language]
        owns = Signal.THIRD_PARTY in plan.signals
        kept = without_echo(draft, told, texts, plan.language, owns_partner=owns)
        is_strict = setup.settings.grounding == "strict"
        seed = review.id or review.text
        values = _plan_values(
            texts, plan, _wording(plan, setup, seed), seed, is_vague=True, is_strict=is_strict
        )
        said = [value for key, value in values.items() if value and key not in _INSTRUCTING]
        kept = without_unasked(kept, plan, review, _secret(request, said, texts))
        if not is_strict or _kind(plan) != "remedy":
            return kept
        return grounded(
            kept, told, plan, filter(None, values.values()), setup.library.texts(plan.language), texts
        )

    @staticmethod
    def notes(review: Review, plan: Plan, setup: Setup) -> tuple[str, ...]:
        """What a person should know about what the model was shown: that the review was cut."""
        return (CUT_NOTE,) if cut(review.text, plan.language, setup)[1] else ()

    def _example_messages(self, plan: Plan, setup: Setup) -> tuple[Message, ...]:
        """Examples as turns, in the shop's own voice and policy; the same for every review of a kind."""
        kind, is_brief = _kind(plan), find_platform(plan.platform).sentences is not None
        # A small model takes words from the examples: a question is only shown with its own kind of review.
        complaint = plan.complaint if plan.is_question else None
        key = (plan.language, plan.platform, kind, complaint)
        if key not in self._examples:
            shown = [one for one in self._languages[plan.language].examples if one.shows == kind]
            same = [one for one in shown if complaint in {None, one.complaint}]
            chosen = sorted(same or shown, key=lambda one: one.is_brief != is_brief)
            turns = (
                example_turn(one, plan.language, plan.platform, setup) for one in chosen[:_MOST_EXAMPLES]
            )
            self._examples[key] = tuple(message for _, *turn in turns for message in turn)
        return self._examples[key]


def _secret(request: ModelRequest | None, said: Iterable[str], texts: LanguagePrompts) -> frozenset[str]:
    """What of a request is for the model alone, and the advice that others get."""
    if not isinstance(request, _WriteRequest):
        return frozenset()
    first, *examples, asked = request.originals
    shown = (one.content for one in examples if one.role == "assistant")
    advice = (text.source for text in texts.guidance.values())
    told = (first.content, asked.content, request.messages[-1].content, *advice)
    return secret_runs(told, (*said, *shown, *request.openings))


def example_turn(
    example: Example, language: str, platform: str, setup: Setup
) -> tuple[Plan, Message, Message]:
    """An example in the shop's own policy and voice: its plan, what is asked, and the reply."""
    texts = read_prompts(language, setup.shop.prompts)
    plan = _example_plan(example, language, setup.shop, platform)
    wording = _wording(plan, setup, example.id)
    # An example is right about its review, whatever the model must keep to.
    values = _plan_values(texts, plan, wording, example.id, is_vague=False, is_strict=False)
    asked = texts.plan.filled({**values, "review": as_json(example.review, example.review.text)})
    reply = example.reply.filled(lambda slot: values[slot] if slot in _STARTS else wording(slot)) or ""
    if values["signature"]:
        reply += f"\n\n{values['signature']}"
    return plan, Message(role="user", content=asked), Message(role="assistant", content=reply)


def _example_plan(example: Example, language: str, shop: Shop, platform: str) -> Plan:
    """The plan that the shop's own policy has for an example's review."""
    from calmreply.details import find_details

    reading = Classification(
        complaint=example.complaint,
        complaints=(example.complaint,),
        signals=example.signals,
        details=find_details(example.review.text, language),
        language=language,
    )
    order = Order(found=False) if example.shows == "checked" else None
    return make_plan(example.review, reading, shop, platform=platform, order=order)


def _wording(plan: Plan, setup: Setup, seed: str) -> Wording:
    brief = find_platform(plan.platform).sentences is not None
    texts = setup.library.texts(plan.language)
    told = plan.model_copy(update={"details": own_details(plan)})
    return Wording(told, texts, voice=setup.library.voice, seed=seed, extras=1, brief=brief)


def _kind(plan: Plan) -> str:
    """Which examples suit a plan."""
    if Signal.PRAISE in plan.signals:
        return "praise"
    if plan.is_question:
        return "checked" if _is_checked(plan) else "question"
    return "remedy"


def _is_checked(plan: Plan) -> bool:
    return load_language(plan.language).data.get("no_order_fact") in plan.facts


def _shop_values(texts: LanguagePrompts, shop: Shop, language: str) -> dict[str, str | None]:
    words = voice_words(shop.voice, language)
    voice = texts.guidance[f"voice.{shop.voice.formality}"].filled(words)
    return {"shop": _plain(shop.name), "voice": voice}


def _plan_values(
    texts: LanguagePrompts, plan: Plan, wording: Wording, seed: str, *, is_vague: bool, is_strict: bool
) -> dict[str, str | None]:
    """What the variables of `plan.md` say for a plan; None where there is nothing to say."""
    is_question, is_remedy = plan.is_question, _kind(plan) == "remedy"
    problem = wording("problem") if is_remedy and (plan.details or is_vague) else None
    return {
        "opening": _opening(texts, plan, wording, seed),
        "understanding": _understanding(texts, plan, wording, seed, is_strict=is_strict)
        if is_remedy
        else None,
        "name": plan.name,
        "problem": problem,
        "guidance": " ".join(_guidance(texts, plan, "strict" if is_strict else "loose" if problem else None)),
        "remedy": _sentence(wording("remedy")),
        "extra": None if find_platform(plan.platform).sentences else _sentence(wording("extra")),
        "question": _sentence(wording("question")) if is_question else None,
        "invitation": None if is_question else _sentence(wording("invitation")),
        "facts": "; ".join(plan.facts) or None,
        "never": " ".join(_never(texts, plan)) or None,
        "form": _form(texts, plan),
        "signature": _signature(plan),
    }


def _is_vague(review: Review) -> bool:
    """Whether a review is too short to tell more than its complaint."""
    return len(review.text.split()) < _FEWEST_TELLING_WORDS


def _opening(texts: LanguagePrompts, plan: Plan, wording: Wording, seed: str) -> str | None:
    """The first words, after a greeting where the customer has a name."""
    kind = _kind(plan)
    words = _start(texts, f"opening.{'question' if kind == 'checked' else kind}", wording, seed)
    greeting = wording("hello") if plan.name else None
    return f"{greeting} {words}" if greeting and words else _sentence(words)


def _understanding(
    texts: LanguagePrompts, plan: Plan, wording: Wording, seed: str, *, is_strict: bool
) -> str | None:
    """How the sentence of understanding begins; the whole of it where the model is to tell no more."""
    if is_strict:
        return _sentence(wording.phrase(f"sentence.empathy.{plan.complaint}", "sentence.empathy.any"))
    return _start(texts, f"understanding.{plan.complaint}", wording, seed)


def _start(texts: LanguagePrompts, key: str, wording: Wording, seed: str) -> str | None:
    """One of the beginnings of that name, always the same for a seed."""
    starts = texts.starts.get(key)
    return starts[pick(f"{seed}|{key}", len(starts))].filled(wording) if starts else None


def _sentence(text: str | None) -> str | None:
    return capitalised(text) if text else None


def _guidance(texts: LanguagePrompts, plan: Plan, grounding: str | None) -> list[str]:
    keys = [] if grounding == "strict" and not plan.is_question else [f"complaint.{plan.complaint}"]
    if grounding and not plan.is_question:
        keys.append(f"note.{grounding}")
    keys += [f"signal.{one}" for one in sorted(plan.signals) if f"signal.{one}" in texts.guidance]
    if not plan.details and not plan.is_question:
        keys.append("note.vague")
    if plan.complaint is Complaint.MISTAKEN:
        keys.append("note.checked" if _is_checked(plan) else "note.unchecked")
    return [texts.guidance[key].source for key in keys]


def _never(texts: LanguagePrompts, plan: Plan) -> list[str]:
    bans = find_platform(plan.platform).bans
    states = {
        "no_name": plan.name is None,
        "no_remedy": plan.remedy is None,
        "no_channel": plan.channel is None,
        "no_names": "name" in bans,
        "no_money": "money" in bans,
        "no_carrier": Signal.THIRD_PARTY in plan.signals,
    }
    return [texts.guidance[f"note.{name}"].source for name, holds in states.items() if holds]


def _form(texts: LanguagePrompts, plan: Plan) -> str:
    profile = find_platform(plan.platform)
    values = {"limit": str(profile.limit), "unit": profile.unit, "sentences": str(profile.sentences)}
    keys = ["form.sentences" if profile.sentences else "form.usual", "form.plain"]
    if profile.limit is not None:
        keys.insert(1, "form.limit")
    return " ".join(texts.guidance[key].filled(values) for key in keys)


def _signature(plan: Plan) -> str | None:
    """The signature, where the platform has room for one."""
    limit = find_platform(plan.platform).limit
    return None if limit is not None and limit < _ROOMY_CHARACTERS else plan.signature


def _problem_line(violation: Violation, draft: str) -> str:
    said = f"{violation.message} {violation.hint}".strip()
    if violation.start is None:
        return f"- {said}"
    return f"- {said} → {json.dumps(_plain(draft[violation.start : violation.end]), ensure_ascii=False)}"


def _plain(text: str) -> str:
    return " ".join(text.split())
