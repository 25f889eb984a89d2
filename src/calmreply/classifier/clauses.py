"""What a clause is about: linear models on words and letter groups, fitted to texts of our own."""

from __future__ import annotations

import gzip
import json
from functools import lru_cache
from importlib import resources
from math import exp, sqrt
from typing import TYPE_CHECKING, Any

from calmreply.cues import plain_word

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["ClauseModel", "clause_features", "load_clause_model"]

# Weights are shipped as one printable character each, so many steps above or below this one.
ZERO = 78
STEPS_PER_UNIT = 2.0
_LONGEST_CLAUSE = 40
_LONGEST_WORD = 16


class ClauseModel:
    """The fitted weights of one language."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.labels: tuple[str, ...] = tuple(data["labels"])
        self._bias: tuple[float, ...] = tuple(data["bias"])
        self._packed: Mapping[str, str] = data["rows"]
        self._rows: dict[str, tuple[int, ...]] = {}

    def probabilities(self, words: Sequence[str]) -> dict[str, float]:
        """How likely a clause of these words is about each label; the labels sum to 1."""
        features = clause_features(words)
        known = [self._row(feature) for feature in features if feature in self._packed]
        scale = 1.0 / (STEPS_PER_UNIT * sqrt(len(features))) if features else 0.0
        totals = (
            [
                bias + scale * sum(column)
                for bias, column in zip(self._bias, zip(*known, strict=True), strict=True)
            ]
            if known
            else list(self._bias)
        )
        highest = max(totals)
        powers = [exp(total - highest) for total in totals]
        whole = sum(powers)
        return {label: power / whole for label, power in zip(self.labels, powers, strict=True)}

    def _row(self, feature: str) -> tuple[int, ...]:
        # A review needs a few hundred rows of the thousands: each is unpacked when it is first met.
        row = self._rows.get(feature)
        if row is None:
            row = self._rows[feature] = tuple(ord(char) - ZERO for char in self._packed[feature])
        return row


def clause_features(words: Sequence[str]) -> list[str]:
    """The words, word pairs and letter groups of a clause, without marks and with digits made alike."""
    plain = [plain_word(word) for word in words[:_LONGEST_CLAUSE]]
    found = dict.fromkeys(plain)
    previous = "^"
    for word in [*plain, "$"]:
        found[f"{previous} {word}"] = None
        previous = word
    for first, second in zip(plain, plain[2:], strict=False):
        found[f"{first} . {second}"] = None
    for word in words[:_LONGEST_CLAUSE]:
        marked = word[:_LONGEST_WORD]
        if not marked.isascii():
            found[f"={marked}"] = None
    for word in plain:
        framed = f"<{word[:_LONGEST_WORD]}>"
        for size in (4, 5):
            for at in range(len(framed) - size + 1):
                found[f"~{framed[at : at + size]}"] = None
    return list(found)


@lru_cache(maxsize=16)
def load_clause_model(code: str, kind: str = "complaints") -> ClauseModel | None:
    """The model of a language, for complaints or for `risk`; None where there is none."""
    file = resources.files("calmreply.classifier") / "weights" / f"{kind}_{code}.json.gz"
    if not file.is_file():
        return None
    return ClauseModel(json.loads(gzip.decompress(file.read_bytes())))
