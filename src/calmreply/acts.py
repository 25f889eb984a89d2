"""What a sentence of a reply does: a linear model on its words and cues, fitted to sentences of our own.

Cues say what a phrase does wherever it stands; the model weighs them against all the other words. It was
fitted by `python -m evals.acts`, which also prints how often it is right on sentences it has not seen.
"""

from __future__ import annotations

import gzip
import json
from functools import lru_cache
from importlib import resources
from itertools import pairwise
from math import exp, sqrt
from typing import TYPE_CHECKING, Any

from calmreply.cues import plain_word

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = [
    "ACT_CUES",
    "ALONE",
    "BESIDE_CUE",
    "CUES_OF_ACTS",
    "DOUBTED",
    "FEWEST_WORDS",
    "NEVER_ALONE",
    "ActModel",
    "act_features",
    "load_act_model",
]

ACT_CUES = {
    "thanks": ("thanks",),
    "apology": ("apology",),
    "empathy": ("empathy",),
    "outsider": ("blame_cause", "blame_act", "blame_person"),
    "customer": ("blame_customer",),
    "owned": ("ownership",),
    "argues": ("contradiction", "doubt", "lecture", "policy_quote", "sarcasm", "threat", "insult"),
    "solicits": ("solicitation",),
    "liable": ("liability",),
    "asks_public": ("private_asked", "public_place"),
    "discloses": ("private_payment", "private_address", "private_health_yours"),
    "health": ("private_health",),
    "refund": ("offer_money", "offer_in_full"),
    "money": ("offer_money",),
    "voucher": ("offer_voucher",),
    "gift": ("offer_gift", "offer_more"),
    "replacement": ("offer_new", "offer_goods"),
    "redelivery": ("offer_goods", "offer_new"),
    "free": ("offer_free", "offer_shipping", "offer_keep"),
    "repair": ("offer_repair", "offer_fix"),
    "guarantee": ("offer_guarantee",),
    "callback": ("offer_call",),
    "investigation": ("offer_trace",),
    "invites": ("channel_chat", "channel_email", "channel_phone", "channel_zalo", "next_step"),
    "asks_order": ("question",),
}
"""The acts that rules ask for, and the cue groups that speak for each."""

BESIDE_CUE = {"thanks": 0.3, "apology": 0.3, "empathy": 0.3}
"""The strength an act needs beside a cue, where it is not `DOUBTED`: these may be three words long."""

DOUBTED = 0.35
"""The strength an act needs beside a cue for it: a cue alone is no proof."""

ALONE = {"argues": 1.5, "solicits": 1.8, "outsider": 1.4, "customer": 1.4, "health": 1.5, "guarantee": 1.8}
"""The strength these acts need where no cue speaks for them; 1 for others. Set by cross-validation on
the labelled replies and by what real businesses' replies are wrongly called."""

FEWEST_WORDS = 4
"""Words and marks that a sentence needs for an act that no cue speaks for."""

_TURNING = (
    *("offer_commitment", "offer_negated", "offer_refused", "offer_told"),
    *("offer_choice", "offer_regret", "offer_vague", "offer_asks_order"),
)
NEVER_ALONE = frozenset({"discloses"})
"""Acts that a sentence only counts as doing where a cue speaks for them: numbers are the shop's own too."""

CUES_OF_ACTS = frozenset(name for names in (*ACT_CUES.values(), _TURNING) for name in names)
"""All of those groups, and those that turn an offer into a refusal, a memory or a mere intention."""

# Weights are shipped as one printable character each, so many steps above or below this one.
ZERO = 78
STEPS_PER_UNIT = 4.0
CUE_VALUE = 0.3
"""What a cue counts beside the words, whose squares sum to about 1."""

_LONGEST_SENTENCE = 80
_LONGEST_WORD = 16
_NOT_WORDS = frozenset("\n")


class ActModel:
    """The fitted weights of one language.

    `at` holds, by act, the probability from which a sentence counts as doing it.
    """

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.acts: tuple[str, ...] = tuple(data["acts"])
        self.at: tuple[float, ...] = tuple(data["at"][act] for act in self.acts)
        self._bias: tuple[float, ...] = tuple(data["bias"])
        self._packed: Mapping[str, str] = data["rows"]
        self._none = (0,) * len(self.acts)
        self._of_word = lru_cache(maxsize=16_384)(self._word_row)
        self._of_pair = lru_cache(maxsize=16_384)(self._row)

    def strengths(self, forms: Sequence[str], cues: Iterable[str]) -> dict[str, float]:
        """The probability that a sentence does each act, as a share of the one from which it counts.

        The acts do not exclude each other.
        """
        words = _words(forms)
        pairs = dict.fromkeys(_pairs(words))
        count, rows = len(pairs), []
        for word in dict.fromkeys(words):
            of_word, row = self._of_word(word)
            count += of_word
            rows.append(row)
        rows += [row for pair in pairs if (row := self._of_pair(pair)) is not self._none]
        cued = [self._of_pair(f"#{cue}") for cue in cues if cue in CUES_OF_ACTS]
        scale = 1.0 / (STEPS_PER_UNIT * sqrt(count))
        totals = map(sum, zip(self._none, *rows, strict=True))
        extras = map(sum, zip(self._none, *cued, strict=True))
        odds = (
            max(-60.0, bias + scale * total + CUE_VALUE * extra / STEPS_PER_UNIT)
            for bias, total, extra in zip(self._bias, totals, extras, strict=True)
        )
        return {
            act: 1.0 / ((1.0 + exp(-odd)) * at) for act, odd, at in zip(self.acts, odds, self.at, strict=True)
        }

    def _word_row(self, word: str) -> tuple[int, tuple[int, ...]]:
        """How many features a word has, and the sum of their weights."""
        features = word_features(word)
        return len(features), tuple(map(sum, zip(*map(self._row, features), strict=True)))

    def _row(self, feature: str) -> tuple[int, ...]:
        packed = self._packed.get(feature)
        return self._none if packed is None else tuple(ord(char) - ZERO for char in packed)


def act_features(forms: Sequence[str], cues: Iterable[str]) -> dict[str, float]:
    """The features of a sentence and their values, as the model counts them: each word and pair once."""
    words = _words(forms)
    features = [feature for word in dict.fromkeys(words) for feature in word_features(word)]
    features += dict.fromkeys(_pairs(words))
    values = dict.fromkeys(features, 0.0)
    for feature in features:
        values[feature] += 1.0 / sqrt(len(features))
    values.update((f"#{cue}", CUE_VALUE) for cue in cues if cue in CUES_OF_ACTS)
    return values


def word_features(word: str) -> list[str]:
    """A word without marks, with them where it has any, and its groups of four and five letters."""
    plain = plain_word(word)
    framed = f"<{plain[:_LONGEST_WORD]}>"
    groups = [f"~{framed[at : at + size]}" for size in (4, 5) for at in range(len(framed) - size + 1)]
    marked = [] if word.isascii() else [f"={word[:_LONGEST_WORD]}"]
    return [plain, *marked, *groups]


def _words(forms: Sequence[str]) -> list[str]:
    return [form for form in forms[:_LONGEST_SENTENCE] if form not in _NOT_WORDS]


def _pairs(words: Sequence[str]) -> Iterable[str]:
    plain = ["^", *map(plain_word, words), "$"]
    return map(" ".join, pairwise(plain))


@lru_cache(maxsize=8)
def load_act_model(code: str) -> ActModel | None:
    """The model of a language; None where there is none: then its cues alone speak."""
    file = resources.files("calmreply.languages") / code / "acts.json.gz"
    if not file.is_file():
        return None
    return ActModel(json.loads(gzip.decompress(file.read_bytes())))
