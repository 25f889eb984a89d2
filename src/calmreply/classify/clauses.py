"""What a clause is about: linear models on words and letter groups, fitted to texts of our own."""

from __future__ import annotations

import json
from functools import lru_cache
from importlib import resources
from math import exp, sqrt
from typing import TYPE_CHECKING, NamedTuple

from calmreply.cues import fold

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ClauseModel", "clause_features", "load_clause_model"]

# Weights are shipped as one printable character each, so many steps above or below this one.
ZERO = 78
STEPS_PER_UNIT = 2.0
_LONGEST_CLAUSE = 40
_LONGEST_WORD = 16


class _Weights(NamedTuple):
    labels: tuple[str, ...]
    bias: tuple[float, ...]
    rows: dict[str, tuple[float, ...]]


class ClauseModel:
    """The fitted weights of one language."""

    def __init__(self, weights: _Weights) -> None:
        self.labels = weights.labels
        self._bias = weights.bias
        self._rows = weights.rows

    def probabilities(self, words: Sequence[str]) -> dict[str, float]:
        """How likely a clause of these words is about each label; the labels sum to 1."""
        features = clause_features(words)
        known = [row for feature in features if (row := self._rows.get(feature))]
        scale = 1.0 / sqrt(len(features)) if features else 0.0
        totals = [
            bias + scale * sum(column)
            for bias, column in zip(self._bias, zip(*known, strict=True), strict=True)
        ] if known else list(self._bias)
        highest = max(totals)
        powers = [exp(total - highest) for total in totals]
        whole = sum(powers)
        return {label: power / whole for label, power in zip(self.labels, powers, strict=True)}


def clause_features(words: Sequence[str]) -> list[str]:
    """The words, word pairs and letter groups of a clause, without marks and with digits made alike."""
    plain = [_plain(word) for word in words[:_LONGEST_CLAUSE]]
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
    file = resources.files("calmreply.classify") / "weights" / f"{kind}_{code}.json"
    if not file.is_file():
        return None
    data = json.loads(file.read_text("utf-8"))
    rows = {
        feature: tuple((ord(char) - ZERO) / STEPS_PER_UNIT for char in packed)
        for feature, packed in data["rows"].items()
    }
    return ClauseModel(_Weights(tuple(data["labels"]), tuple(data["bias"]), rows))


@lru_cache(maxsize=16_384)
def _plain(word: str) -> str:
    folded = fold(word)
    return "0" if folded[0].isdigit() else folded
