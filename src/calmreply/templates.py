"""The response template library: a reply for every plan, and single sentences for mending a draft."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from calmreply.checks import check, errors_in
from calmreply.details import own_details
from calmreply.languages import load_language
from calmreply.platform import find_platform
from calmreply.review import Signal
from calmreply.shop import Voice
from calmreply.slots import capitalised
from calmreply.template_files import read_texts
from calmreply.voices import voice_of
from calmreply.wording import Wording, pick

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from calmreply.plan import Plan
    from calmreply.review import Review
    from calmreply.shop import Shop
    from calmreply.template_files import Template, Texts
    from calmreply.violation import Violation

__all__ = ["Library", "Rendered", "check_templates", "render_template", "sentence_for", "voice_of"]

_MOST_EXTRAS = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Library:
    """The templates as one shop uses them: its voice, and its own folder of texts where it has one."""

    voice: Voice = field(default_factory=Voice)
    own: Path | None = None

    @classmethod
    def load(cls, shop: Shop | None = None) -> Library:
        """The library of a shop, its files read; the bundled one without a shop.

        Raises:
            PromptError: a file is wrong; names file, template and slot.
        """
        library = cls() if shop is None else cls(voice=shop.voice, own=shop.prompts)
        for language in shop.languages if shop else ():
            library.texts(language)
        return library

    def texts(self, language: str) -> Texts:
        """The texts of a language."""
        return read_texts(language, self.own)


@dataclass(frozen=True, kw_only=True, slots=True)
class Rendered:
    """A reply from the library. `violations`: errors no variant got rid of, none for a loaded shop."""

    text: str
    template_id: str
    violations: tuple[Violation, ...] = ()


def render_template(plan: Plan, review: Review, *, library: Library, seed: str) -> Rendered:
    """The reply to a plan from the template library.

    The variant is chosen by a hash of `seed` (the review's id or text), so it stays the same under
    concurrency and on resuming. Where it breaks a rule, the next one is taken; then extras and the
    signature are left out; then the compact forms. It never raises for a plan of `make_plan`.

    Args:
        plan: what the reply may say.
        review: the review it answers.
        library: the templates.
        seed: chooses the variant and its wordings.
    """
    best: Rendered | None = None
    for template, text in candidates(plan, library, seed):
        broken = tuple(errors_in(check(text, plan, review)))
        if best is None or len(broken) < len(best.violations):
            best = Rendered(text=text, template_id=f"{plan.language}/{template.id}", violations=broken)
        if not broken:
            break
    return best or Rendered(text="", template_id="")


def candidates(plan: Plan, library: Library, seed: str) -> Iterator[tuple[Template, str]]:
    """Every reply the library has for a plan, best first; the shortest over the platform's limit last.

    A detail whose words break a rule in every template gives way to the next, and those to the complaint's
    own name.
    """
    profile = find_platform(plan.platform)
    too_long: list[tuple[Template, str]] = []
    seen: set[str] = set()
    own = own_details(plan)
    for first in range(len(own) + 1):
        told = plan.model_copy(update={"details": own[first:]})
        for template in _ordered(told, library, seed):
            for text in _forms(template, told, library, seed):
                if text in seen:
                    continue
                seen.add(text)
                if profile.fits(text):
                    yield template, text
                else:
                    too_long.append((template, text))
    yield from sorted(too_long, key=lambda found: len(found[1]))[:1]


def own_forms(plan: Plan, library: Library) -> Iterator[tuple[Template, str]]:
    """The longest and the shortest text of every suited template of the shop's own folder.

    What is over the platform's limit is left out: a longer form need not fit a narrow platform.
    """
    profile = find_platform(plan.platform)
    for template in _ordered(plan, library, ""):
        if template.is_own:
            forms = sorted(_forms(template, plan, library, ""), key=len)
            yield from (
                (template, text) for text in dict.fromkeys((forms[-1], forms[0])) if profile.fits(text)
            )


def _ordered(plan: Plan, library: Library, seed: str) -> list[Template]:
    """The templates that suit a plan: those made for its signals first, then from the seed's on."""
    kind = str(plan.complaint)
    if plan.at_risk:
        kind = str(Signal.AT_RISK)
    elif Signal.PRAISE in plan.signals:
        kind = str(Signal.PRAISE)
    state = _state(plan, library.voice)
    suited = [one for one in library.texts(plan.language).templates[kind] if one.when <= state]
    start = pick(f"{seed}|{kind}", len(suited)) if suited else 0
    turned = [*suited[start:], *suited[:start]]
    wants_brief = find_platform(plan.platform).sentences is not None
    return sorted(turned, key=lambda one: (one.is_brief != wants_brief, -one.weight))


def _state(plan: Plan, voice: Voice) -> frozenset[str]:
    """Everything a template's `when` may ask for and this plan has."""
    looked_up = load_language(plan.language).data.get("no_order_fact") in plan.facts
    return frozenset(
        (
            *(str(signal) for signal in plan.signals),
            voice.formality,
            "checked" if looked_up else "unchecked",
            "detailed" if plan.details else "vague",
            *(["asks_order"] if plan.asks_order else []),
        )
    )


def _forms(template: Template, plan: Plan, library: Library, seed: str) -> Iterator[str]:
    """One template's texts: with extras and signature, then with less and less of them."""
    texts = library.texts(plan.language)
    most = min(_MOST_EXTRAS, len(plan.remedy.extras)) if plan.remedy else 0
    brief_first = (True,) if template.is_brief else (False, True)
    for brief in brief_first:
        for extras in range(most, -1, -1):
            wording = Wording(
                plan, texts, voice=library.voice, seed=f"{seed}|{template.id}", extras=extras, brief=brief
            )
            lines = [line.filled(wording) for line in template.lines]
            body = " ".join(capitalised(" ".join(line.split())) for line in lines if line and line.strip())
            if plan.signature:
                yield f"{body}\n\n{plan.signature}"
            yield body


def sentence_for(part: str, plan: Plan, *, voice: Voice, seed: str, library: Library) -> str | None:
    """One sentence for a part of the formula, in the given voice; None where the plan has nothing for it.

    Args:
        part: "thanks", "apology", "opening", "acknowledgement", "empathy", "question", "remedy" or "channel".
        plan: what the sentence may say.
        voice: the pronouns, usually those of the draft it is put into (`voice_of`).
        seed: chooses the wording.
        library: the templates.
    """
    wording = Wording(plan, library.texts(plan.language), voice=voice, seed=seed, extras=0)
    slots = {"remedy": "remedy", "channel": "invitation", "question": "question"}
    if part in slots:
        sentence = wording(slots[part])
    else:
        kind = str(Signal.AT_RISK) if plan.at_risk else str(plan.complaint)
        sentence = wording.phrase(f"sentence.{part}.{kind}", f"sentence.{part}.any")
    return capitalised(sentence) if sentence else None


def check_templates(shop: Shop) -> None:
    """Prove that a policy has a reply that keeps every rule for every complaint, language and platform.

    Once per policy; the work is that of some hundred checks. A template of the shop's own folder is
    held to every rule by itself, in its longest and shortest form.

    Raises:
        PolicyError: no form fits, or none keeps a rule; names the rule and what to change.
        PromptError: a template of the shop's own folder is wrong; names file, template and rule.
    """
    from calmreply.template_check import check_library

    check_library(shop, Library.load(shop))
