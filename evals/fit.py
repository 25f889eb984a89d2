"""Fit the classifier's weights to the project's own texts: `python -m evals.fit` (needs scikit-learn)."""

from __future__ import annotations

import argparse
import json
import random
import re
import tomllib
from math import sqrt
from pathlib import Path
from typing import TYPE_CHECKING, Any

from calmreply.classify.clauses import STEPS_PER_UNIT, ZERO, clause_features
from calmreply.classify.reading import Reading
from calmreply.cues import fold
from calmreply.languages import load_language
from evals.cases import read_jsonl, split_of

if TYPE_CHECKING:
    from collections.abc import Sequence

HERE = Path(__file__).parent
WEIGHTS = HERE.parent / "src" / "calmreply" / "classify" / "weights"
_GROUP = re.compile(r"\(([^()]*)\)(\?)?")


def grow(pattern: str, items: Sequence[str], chance: random.Random) -> str:
    """One text that a pattern of the training file stands for."""

    def pick(match: re.Match[str]) -> str:
        if match.group(2) and chance.random() < 0.5:  # noqa: PLR2004 - half of the optional parts
            return ""
        return chance.choice(match.group(1).split("|"))

    grown = pattern
    while _GROUP.search(grown):
        grown = _GROUP.sub(pick, grown)
    while "{item}" in grown:
        grown = grown.replace("{item}", chance.choice(items), 1)
    return " ".join(grown.split())


def training_clauses(language: str, per_pattern: int, seed: int = 7) -> list[tuple[str, str]]:
    """(text, label) of clauses grown from the patterns, the same for the same seed."""
    data = tomllib.loads((HERE / "training" / f"clauses_{language}.toml").read_text("utf-8"))
    chance = random.Random(seed)
    rows: list[tuple[str, str]] = []
    for label, patterns in data.items():
        if label == "items":
            continue
        for pattern in patterns.strip().splitlines():
            grown = {grow(pattern, data["items"], chance) for _ in range(per_pattern)}
            rows += [(text, label) for text in sorted(grown) if text]
    return rows


def run_ons(rows: Sequence[tuple[str, str]], chance: random.Random) -> list[tuple[str, str]]:
    """Complaints with something said before or after them and no mark between."""
    asides = [text for text, label in rows if label == "neutral"]
    mild = [text for text, label in rows if label == "vague"]
    long: list[tuple[str, str]] = []
    for text, label in rows:
        if label in {"neutral", "vague", "praise"} or chance.random() < 0.7:  # noqa: PLR2004 - a third of them
            continue
        other = chance.choice(asides if chance.random() < 0.7 else mild)  # noqa: PLR2004 - an aside more often
        long.append((f"{other} {text}" if chance.random() < 0.5 else f"{text} {other}", label))  # noqa: PLR2004 - either way
    return long


def own_reviews(language: str) -> list[tuple[str, str]]:
    """Our own labelled reviews of the development split that make one complaint and no more."""
    return [
        (row["text"], row["complaint"])
        for row in read_jsonl(HERE / "reviews" / f"own_{language}.jsonl")
        if split_of(row["id"]) == "dev" and len(row["complaints"]) == 1 and row["complaint"] != "other" and row["text"]
    ]


def noisy(text: str, chance: random.Random, *, folds: bool) -> str:
    """The text as a hurried buyer types it: marks dropped, a letter lost, a word left out."""
    words = text.split()
    if len(words) > 3 and chance.random() < 0.15:  # noqa: PLR2004 - a short clause keeps its words
        words.pop(chance.randrange(len(words)))
    if folds and chance.random() < 0.25:  # noqa: PLR2004 - a quarter of phones have no marks
        return fold(" ".join(words))
    if chance.random() < 0.1:  # noqa: PLR2004 - one in ten clauses has a slip
        at = chance.randrange(len(words))
        if len(words[at]) > 4:  # noqa: PLR2004 - a slip in a short word makes another word
            cut = chance.randrange(1, len(words[at]) - 1)
            words[at] = words[at][:cut] + words[at][cut + 1 :]
    return " ".join(words)


def fit(language: str, *, per_pattern: int, strength: float, most_features: int) -> dict[str, Any]:
    """The fitted weights of a language, as they are shipped."""
    from sklearn.feature_extraction import DictVectorizer
    from sklearn.linear_model import LogisticRegression

    chance = random.Random(11)
    home = load_language(language)
    rows = training_clauses(language, per_pattern)
    rows += run_ons(rows, chance) + own_reviews(language)
    texts = [noisy(text, chance, folds=home.folds) for text, _ in rows]
    labels = [label for _, label in rows]
    features = [_scaled(text, home) for text in texts]
    vectors = DictVectorizer()
    matrix = vectors.fit_transform(features)
    model = LogisticRegression(C=strength, max_iter=400, class_weight="balanced")
    model.fit(matrix, labels)
    print(f"{language}: {len(rows)} clauses, {matrix.shape[1]} features, fits {model.score(matrix, labels):.3f}")
    weights = model.coef_.T
    names = vectors.get_feature_names_out()
    size = abs(weights).max(axis=1)
    kept = sorted(range(len(names)), key=lambda index: -size[index])[:most_features]
    return {
        "labels": [str(label) for label in model.classes_],
        "bias": [round(float(value), 3) for value in model.intercept_],
        "rows": {str(names[index]): _packed(weights[index]) for index in sorted(kept, key=lambda i: names[i])},
    }


def _scaled(text: str, language: Any) -> dict[str, float]:
    features = clause_features(Reading(text, language).tokens)
    return dict.fromkeys(features, 1.0 / sqrt(len(features)))


def _packed(row: Sequence[float]) -> str:
    chars = []
    for weight in row:
        step = max(-(ZERO - 33), min(126 - ZERO, round(weight * STEPS_PER_UNIT)))
        code = ZERO + step
        chars.append(chr(code if code not in {34, 92} else code + 1))
    return "".join(chars)


def main(argv: Sequence[str] | None = None) -> None:
    """Fit and write the weights of the languages asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--language", nargs="*", default=["en", "vi"])
    parser.add_argument("--per-pattern", type=int, default=40)
    parser.add_argument("--strength", type=float, default=20.0)
    parser.add_argument("--features", type=int, default=6500)
    arguments = parser.parse_args(argv)
    WEIGHTS.mkdir(exist_ok=True)
    for language in arguments.language:
        weights = fit(
            language,
            per_pattern=arguments.per_pattern,
            strength=arguments.strength,
            most_features=arguments.features,
        )
        file = WEIGHTS / f"{language}.json"
        file.write_text(json.dumps(weights, ensure_ascii=False, separators=(",", ":")), "utf-8")
        print(f"{file.name}: {file.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
