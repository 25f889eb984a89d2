"""What the slots of a template say for one plan: closed vocabulary and the plan's own words, nothing else."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from calmreply.platform import channel_kind
from calmreply.review import Signal
from calmreply.slots import capitalised
from calmreply.values import Duration, Percent, parse_value
from calmreply.voices import voice_slots, voice_words

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from calmreply.plan import Channel, Plan
    from calmreply.shop import Voice
    from calmreply.template_files import Texts

__all__ = ["Wording", "known_slots", "pick"]

_SLOTS = frozenset(
    {"hello", "name", "problem", "remedy", "extra", "invitation", "question", "role", "shop"}
    | {"reach", "value", "by", "within", "contact", "kind"}
)


def known_slots(language: str) -> frozenset[str]:
    """The names of all slots that templates of a language may use."""
    return _SLOTS | voice_slots(language)


def pick(seed: str, count: int) -> int:
    """A number below `count`, always the same for a seed."""
    return int.from_bytes(sha256(seed.encode("utf-8", "surrogatepass")).digest()[:6], "big") % count


class Wording:
    """The words for the slots of one reply; `wording("we")` is what stands in `{we}`.

    Args:
        plan: what the reply may say.
        texts: the phrase tables of the plan's language.
        voice: the pronouns.
        seed: chooses among wordings; the same seed chooses the same ones.
        extras: how many of the remedy's extras are said.
        brief: take the shortest wordings.
    """

    def __init__(
        self, plan: Plan, texts: Texts, *, voice: Voice, seed: str, extras: int = 2, brief: bool = False
    ) -> None:
        self.plan = plan
        self._texts = texts
        self._seed = seed
        self._brief = brief
        self._extras = extras
        self._said: dict[str, str | None] = dict(voice_words(voice, plan.language))
        self._formality = voice.formality
        self._makers: dict[str, Callable[[], str | None]] = {
            "hello": lambda: self.phrase(f"hello.{self._formality}"),
            "name": lambda: plan.name,
            "problem": self._problem,
            "remedy": self._remedy,
            "extra": self._extra,
            "invitation": self._invitation,
            "question": self._question,
            "role": self._role,
            "shop": lambda: plan.shop_name,
            "reach": self._reach,
            "value": lambda: plan.remedy.value if plan.remedy else None,
            "by": self._by,
            "within": lambda: plan.remedy.within if plan.remedy else None,
            "contact": lambda: plan.channel.value if plan.channel else None,
            "kind": lambda: plan.channel.kind if plan.channel else None,
        }

    def __call__(self, slot: str) -> str | None:
        """What stands in a slot; None where there is nothing to say."""
        if slot not in self._said:
            self._said[slot] = self._makers[slot]()
        return self._said[slot]

    def phrase(self, *keys: str) -> str | None:
        """A wording from the first of those tables that has one that can be filled."""
        for key in keys:
            filled = [
                text for one in self._texts.phrases.get(key, ()) if (text := one.filled(self)) is not None
            ]
            if filled:
                return (
                    min(filled, key=len) if self._brief else filled[pick(f"{self._seed}|{key}", len(filled))]
                )
        return None

    def _problem(self) -> str | None:
        """The complaint's first detail in words; the complaint itself where the review is vague."""
        if not self.plan.at_risk and (phrase := _detail_phrase(self.plan)):
            return phrase
        return self.phrase(f"problem.{self.plan.complaint}")

    def _remedy(self) -> str | None:
        remedy = self.plan.remedy
        if remedy is None:
            return None
        if self.plan.at_risk:
            return self.phrase("remedy.callback.role")
        kind = "plain"
        if remedy.value:
            kind = (
                "percent" if isinstance(parse_value(remedy.value, self.plan.language), Percent) else "money"
            )
        return self.phrase(f"remedy.{remedy.action}.{kind}", f"remedy.{remedy.action}.plain")

    def _by(self) -> str | None:
        """When: "within 24 hours", "today", "by Monday"."""
        within = self.plan.remedy.within if self.plan.remedy else None
        if within is None:
            return None
        language = self.plan.language
        value = parse_value(within, language)
        if isinstance(value, Duration) and value.named and value.named in self._texts.by:
            return self._texts.by[value.named]
        bare = within
        for opening in self._texts.by_openings:
            if bare.casefold().startswith(opening + " "):
                bare = bare[len(opening) :].strip()
        self._said["within"] = bare if parse_value(bare, language) == value else within
        return self.phrase("by.other")

    def _extra(self) -> str | None:
        """Up to two extras, each a sentence of its own."""
        remedy = self.plan.remedy
        if remedy is None or self.plan.at_risk:
            return None
        said = [self._extra_sentence(extra) for extra in remedy.extras[: self._extras]]
        return " ".join(capitalised(one) for one in said if one) or None

    def _extra_sentence(self, extra: str) -> str | None:
        bare = extra.strip().rstrip(".!")
        folded = f"{bare.casefold()} "
        shape = next(
            (name for name, starts in self._texts.extra_starts.items() if folded.startswith(tuple(starts))),
            "other",
        )
        text = self._texts.phrases[f"extra.{shape}.say"]
        chosen = text[pick(f"{self._seed}|{extra}", len(text))]
        return chosen.filled(lambda slot: bare if slot == "extra" else self(slot))

    def _invitation(self) -> str | None:
        if self.plan.channel is None:
            return self.phrase("invitation.order_no_channel") if self.plan.asks_order else None
        if self.plan.asks_order:
            return self.phrase("invitation.order")
        return self.phrase("invitation.at_risk" if self.plan.at_risk else "invitation.plain")

    def _question(self) -> str | None:
        kind = str(Signal.PRAISE) if Signal.PRAISE in self.plan.signals else str(self.plan.complaint)
        how = "with_channel" if self.plan.channel else "without_channel"
        return self.phrase(f"question.{kind}.{how}", f"question.any.{how}")

    def _reach(self) -> str | None:
        """What the customer does to reach the shop: "message us on Zalo at 0909 123 456"."""
        channel = self.plan.channel
        if channel is None:
            return None
        table = "reach" if channel.value else "reach.bare"
        return self.phrase(*(f"{table}.{name}" for name in (*_kind_names(channel), "other")))

    def _role(self) -> str | None:
        role = self.plan.role
        if role and self.plan.at_risk and self.plan.remedy and self.plan.remedy.extras:
            role = self.plan.remedy.extras[0]
        if not role:
            return None
        first = role.split()[0]
        prefix = self._texts.role_prefix
        is_bare = prefix and first.casefold() not in self._texts.role_starts and not first[:1].isupper()
        return f"{prefix} {role}" if is_bare else role


def _kind_names(channel: Channel) -> Sequence[str]:
    """The kind as the shop wrote it, then its canonical name: a hotline is called a hotline."""
    return " ".join(channel.kind.casefold().split()), channel_kind(channel.kind)


def _detail_phrase(plan: Plan) -> str | None:
    """The most telling thing the review says of its complaint; more would read like a list of charges.

    What it tells beside its complaint is not named: too often it was misread.
    """
    from calmreply.details import detail_phrase, own_details

    own = own_details(plan)
    phrases = (detail_phrase(detail, plan.language) for detail in own)
    return next((phrase for phrase in phrases if phrase), None)
