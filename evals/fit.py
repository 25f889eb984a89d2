"""Fit the classifier's weights to the project's own texts: `python -m evals.fit` (needs scikit-learn)."""

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
import tomllib
from collections import Counter
from math import sqrt
from pathlib import Path
from typing import TYPE_CHECKING, Any

from calmreply.classifier.clauses import STEPS_PER_UNIT, ZERO, clause_features
from calmreply.classifier.reading import Reading
from calmreply.cues import fold
from calmreply.languages import load_language
from calmreply.review import Signal
from evals.cases import read_jsonl, reply_cases, split_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

HERE = Path(__file__).parent
WEIGHTS = HERE.parent / "src" / "calmreply" / "classifier" / "weights"
SEED = 7
# Patterns grown, texts a pattern gives at most, and features kept, by what is fitted.
CLAUSES_PER_PATTERN = 40
RISKS_PER_PATTERN = 25
CLAUSES_AS_NO_RISK = 40
# How often a plain piece counts beside the grown clauses.
PIECES = 4
# How often the review of a labelled reply counts.
CASES = 4
# The share of risks and of pieces that are also told in passing, and how many long asides go with them.
IN_PASSING = 0.5
LONG_ASIDES = 2_000
RARE = 2
KEPT = {"complaints": 12_000, "risk": 12_000}
STRENGTH = {"complaints": 20.0, "risk": 6.0}
_GROUP = re.compile(r"\(([^()]*)\)(\?)?")
_SOUND = {"neutral", "vague", "praise"}

Rows = list[tuple[str, str]]


def grow(pattern: str, items: Sequence[str], chance: random.Random) -> str:
    """One text that a pattern of the training files stands for."""

    def pick(match: re.Match[str]) -> str:
        if match.group(2) and chance.random() < 0.5:  # noqa: PLR2004 - half of the optional parts
            return ""
        choices: list[str] = match.group(1).split("|")
        return chance.choice(choices)

    grown = pattern
    while _GROUP.search(grown):
        grown = _GROUP.sub(pick, grown)
    while "{item}" in grown:
        grown = grown.replace("{item}", chance.choice(items), 1)
    return " ".join(grown.split())


def grown_rows(name: str, per_pattern: int) -> Rows:
    """(text, label) grown from a training file, the same each time."""
    data = tomllib.loads((HERE / "training" / f"{name}.toml").read_text("utf-8"))
    chance = random.Random(SEED)
    return [
        (text, label)
        for label, patterns in data.items()
        if label != "items"
        for pattern in patterns.strip().splitlines()
        for text in sorted({grow(pattern, data["items"], chance) for _ in range(per_pattern)})
        if text
    ]


def complaint_rows(language: str, chance: random.Random) -> Rows:
    """What clauses are about: grown clauses, the same run together with an aside, and our own reviews."""
    rows = grown_rows(f"clauses_{language}", CLAUSES_PER_PATTERN)
    told = [(text, label.rpartition("+")[2]) for text, label in pieces(language)]
    cases = [(text, complaint) for text, complaint, _ in case_reviews(language) if complaint != "other"]
    return rows + run_ons(rows, chance) + own_reviews(language) + told * PIECES + cases * CASES


def pieces(language: str, name: str = "pieces") -> Rows:
    """(text, label) of the plain pieces of reviews; "risk+late" is at risk and about lateness too."""
    lines = (HERE / "training" / f"{name}_{language}.txt").read_text("utf-8").splitlines()
    rows = (line.partition("|") for line in lines if line.strip() and not line.startswith("#"))
    return [(text.strip(), label.strip()) for label, _, text in rows]


def risk_rows(language: str) -> Rows:
    """What is at risk and what only sounds so: grown sentences, clauses, and our own reviews."""
    rows = grown_rows(f"risk_{language}", RISKS_PER_PATTERN)
    rows += [(text, "near") for text, _ in grown_rows(f"clauses_{language}", CLAUSES_AS_NO_RISK)]
    named = [*pieces(language), *pieces(language, "risk_pieces")]
    told = [(text, "risk" if label.startswith("risk") else "near") for text, label in named]
    rows += told * PIECES
    rows += told_in_passing(rows, told, random.Random(SEED))
    rows += [(text, "risk" if risk else "near") for text, _, risk in case_reviews(language)] * CASES
    for row in own_dev(language):
        label = "risk" if "at_risk" in row["signals"] else "near"
        texts = [row["text"]] if label == "risk" else re.split(r"[.!?\n]+", row["text"])
        rows += [(text, label) for text in texts if text.strip() for _ in range(4)]
    return rows


def told_in_passing(rows: Rows, told: Rows, chance: random.Random) -> Rows:
    """Long sentences: what is at risk and what is not, each amid other things that are not."""
    near = [text for text, label in rows if label == "near"]
    risks = [row for row in rows[: len(rows) - PIECES * len(told)] if row[1] == "risk"]
    long: Rows = []
    for text, label in [*told, *told, *risks]:
        if chance.random() < IN_PASSING:
            count = chance.randint(1, 2 if label == "risk" else 3)
            long.append((_shuffled([text, *chance.choices(near, k=count)], chance), label))
    for _ in range(LONG_ASIDES):
        long.append((_shuffled(chance.choices(near, k=chance.randint(2, 4)), chance), "near"))
    return long


def _shuffled(texts: list[str], chance: random.Random) -> str:
    chance.shuffle(texts)
    return " ".join(texts)


def run_ons(rows: Rows, chance: random.Random) -> Rows:
    """Complaints with something said before or after them and no mark between."""
    asides = [text for text, label in rows if label == "neutral"]
    mild = [text for text, label in rows if label == "vague"]
    long: Rows = []
    for text, label in rows:
        if label in _SOUND or chance.random() < 0.7:  # noqa: PLR2004 - a third of them
            continue
        other = chance.choice(asides if chance.random() < 0.7 else mild)  # noqa: PLR2004 - an aside more often
        long.append((f"{other} {text}" if chance.random() < 0.5 else f"{text} {other}", label))  # noqa: PLR2004 - either way
    return long


def own_dev(language: str) -> list[dict[str, Any]]:
    """Our own labelled reviews of the development split."""
    rows = read_jsonl(HERE / "reviews" / f"own_{language}.jsonl")
    return [row for row in rows if split_of(row["id"]) == "dev" and row["text"]]


def case_reviews(language: str) -> list[tuple[str, str, bool]]:
    """The reviews that the labelled replies of the development split answer: text, complaint, at risk."""
    cases = {
        case.review.text: (case.review.text, case.plan.complaint.value, Signal.AT_RISK in case.plan.signals)
        for case in reply_cases(language)
        if case.split == "dev"
    }
    return [case for case in cases.values() if case[0]]


def own_reviews(language: str) -> Rows:
    """Our own reviews of the development split that make one complaint and no more."""
    return [
        (row["text"], row["complaint"])
        for row in own_dev(language)
        if len(row["complaints"]) == 1 and row["complaint"] != "other"
    ]


def noisy(text: str, chance: random.Random, *, folds: bool) -> str:
    """The text as a hurried buyer types it: marks dropped, a letter lost, a word left out."""
    words = text.split()
    if len(words) > 3 and chance.random() < 0.15:  # noqa: PLR2004 - a short clause keeps its words
        words.pop(chance.randrange(len(words)))
    if folds and chance.random() < 0.25:  # noqa: PLR2004 - a quarter of phones have no marks
        return fold(" ".join(words))
    if words and chance.random() < 0.1:  # noqa: PLR2004 - one in ten clauses has a slip
        at = chance.randrange(len(words))
        if len(words[at]) > 4:  # noqa: PLR2004 - a slip in a short word makes another word
            cut = chance.randrange(1, len(words[at]) - 1)
            words[at] = words[at][:cut] + words[at][cut + 1 :]
    return " ".join(words)


def fit(kind: str, language: str) -> dict[str, Any]:
    """The fitted weights of a language, as they are shipped."""
    from sklearn.feature_extraction import DictVectorizer
    from sklearn.linear_model import LogisticRegression

    chance = random.Random(SEED + 4)
    home = load_language(language)
    rows = complaint_rows(language, chance) if kind == "complaints" else risk_rows(language)
    texts = [noisy(text, chance, folds=home.folds) for text, _ in rows]
    labels = [label for _, label in rows]
    features = [_features(text, home) for text in texts]
    if kind == "risk":
        seen = Counter(name for row in features for name in row)
        features = [{name: value for name, value in row.items() if seen[name] > RARE} for row in features]
    vectors = DictVectorizer()
    matrix = vectors.fit_transform(features)
    balance = "balanced" if kind == "complaints" else None
    model = LogisticRegression(C=STRENGTH[kind], max_iter=400, class_weight=balance)
    model.fit(matrix, labels)
    fits = model.score(matrix, labels)
    print(f"{kind} {language}: {len(rows)} texts, {matrix.shape[1]} features, fits {fits:.3f}")
    weights, bias = model.coef_.T, list(model.intercept_)
    if weights.shape[1] == 1:  # two labels share one column
        weights, bias = weights @ [[-0.5, 0.5]], [-bias[0] / 2, bias[0] / 2]
    names = vectors.get_feature_names_out()
    size = abs(weights).max(axis=1)
    kept = sorted(range(len(names)), key=lambda index: -size[index])[: KEPT[kind]]
    return {
        "labels": [str(label) for label in model.classes_],
        "bias": [round(float(value), 3) for value in bias],
        "rows": {
            str(names[index]): packed(weights[index], STEPS_PER_UNIT)
            for index in sorted(kept, key=lambda i: names[i])
        },
    }


def _features(text: str, language: Any) -> dict[str, float]:
    features = clause_features(Reading(text, language).tokens)
    return dict.fromkeys(features, 1.0 / sqrt(len(features))) if features else {}


def packed(row: Iterable[float], steps_per_unit: float) -> str:
    """A row of weights as it is shipped: one printable character each."""
    chars = []
    for weight in row:
        step = max(33 - ZERO, min(126 - ZERO, round(weight * steps_per_unit)))
        code = ZERO + step
        chars.append(chr(code if code not in {34, 92} else code + 1))  # no quote or backslash in JSON
    return "".join(chars)


def main(argv: Sequence[str] | None = None) -> None:
    """Fit and write the weights of the languages asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--language", nargs="*", default=["en", "vi"])
    parser.add_argument("--kind", nargs="*", default=["complaints", "risk"], choices=["complaints", "risk"])
    arguments = parser.parse_args(argv)
    WEIGHTS.mkdir(exist_ok=True)
    for kind in arguments.kind:
        for language in arguments.language:
            file = WEIGHTS / f"{kind}_{language}.json.gz"
            text = json.dumps(fit(kind, language), ensure_ascii=False, separators=(",", ":"))
            file.write_bytes(gzip.compress(text.encode(), mtime=0))
            print(f"{file.name}: {file.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
