"""The local classifier on labelled reviews: `python -m evals.complaints --data FOLDER`."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from calmreply.classifier import CONFIDENT, classify, detect_language, screen
from calmreply.cues import fold
from calmreply.review import Classification, Complaint, Review, Signal
from evals.cases import HERE, interval, read_jsonl, split_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True, kw_only=True, slots=True)
class ReviewCase:
    """A labelled review: its complaints, the primary one first, its signals and its language."""

    id: str
    review: Review
    complaints: tuple[str, ...]
    signals: frozenset[str]
    language: str
    kind: str
    doubt: bool
    split: str


def review_cases(language: str, data: Path | None = None) -> list[ReviewCase]:
    """Our own labelled reviews of a language, and with the data folder the real ones too."""
    rows = [(row, "own", row) for row in read_jsonl(HERE / "reviews" / f"own_{language}.jsonl")]
    if data is not None:
        texts = {row["id"]: row for row in read_jsonl(data / f"reviews_{language}.jsonl")}
        labels = read_jsonl(HERE / "reviews" / f"real_{language}.jsonl")
        rows += [(row, "real", texts[row["id"]]) for row in labels if row["id"] in texts]
    return [
        ReviewCase(
            id=row["id"],
            review=Review.model_validate({"text": source["text"], "stars": source.get("stars")}),
            complaints=tuple(row["complaints"]),
            signals=frozenset(row["signals"]),
            language=row.get("language") or language,
            kind=kind,
            doubt=bool(row.get("doubt")),
            split=split_of(row["id"]),
        )
        for row, kind, source in rows
    ]


def share(part: int, whole: int) -> str:
    """A share as text, with the counts behind it."""
    return f"{part / whole:.3f} ({part}/{whole})" if whole else "-"


def complaint_report(cases: Sequence[ReviewCase], found: Sequence[Classification]) -> str:
    """Accuracy of the primary complaint, the confusion matrix, and coverage above the threshold."""
    pairs = [(case.complaints[0], result) for case, result in zip(cases, found, strict=True)]
    right = [label == result.complaint for label, result in pairs]
    sure = [ok for ok, (_, result) in zip(right, pairs, strict=True) if result.confidence >= CONFIDENT]
    names = [complaint.value for complaint in Complaint]
    counts = Counter((label, result.complaint.value) for label, result in pairs)
    lines = [
        f"primary complaint right {share(sum(right), len(right))}, "
        + "95 % interval {:.3f} to {:.3f}".format(*interval(sum(right), len(right))),
        f"above {CONFIDENT}: right {share(sum(sure), len(sure))}, coverage {share(len(sure), len(right))}",
        f"{'label / read':<18}" + "".join(f"{name[:9]:>10}" for name in names),
    ]
    lines += [
        f"{label:<18}" + "".join(f"{counts[label, name] or '.':>10}" for name in names)
        for label in names
        if any(counts[label, name] for name in names)
    ]
    return "\n".join(lines)


def signal_report(cases: Sequence[ReviewCase], found: Sequence[Classification]) -> str:
    """Precision and recall of every signal."""
    lines = [f"{'signal':<22}{'precision':>18}{'recall':>18}"]
    for signal in Signal:
        hit = sum(
            1
            for case, result in zip(cases, found, strict=True)
            if signal in result.signals and signal in case.signals
        )
        said = sum(1 for result in found if signal in result.signals)
        true = sum(1 for case in cases if signal in case.signals)
        lines.append(f"{signal.value:<22}{share(hit, said):>18}{share(hit, true):>18}")
    kept = sum(1 for case in cases if Signal.AT_RISK in case.signals and screen(case.review.text).keep_local)
    true = sum(1 for case in cases if Signal.AT_RISK in case.signals)
    shut = sum(1 for case in cases if screen(case.review.text).keep_local)
    lines.append(f"at_risk kept from models {share(kept, true)}; of all reviews {share(shut, len(cases))}")
    return "\n".join(lines)


def language_report(cases: Iterable[ReviewCase]) -> str:
    """How often the language is right, as written and with the marks stripped."""
    spoken = [case for case in cases if any(char.isalpha() for char in case.review.text)]
    right = sum(1 for case in spoken if detect_language(case.review.text) == case.language)
    stripped = sum(1 for case in spoken if detect_language(fold(case.review.text)) == case.language)
    return f"language right {share(right, len(spoken))}, without marks {share(stripped, len(spoken))}"


def show(case: ReviewCase, result: Classification) -> None:
    """Print a review that was read wrongly."""
    wanted, read = ",".join(case.complaints), ",".join(result.complaints)
    print(f"\n{case.id}{' (doubt)' if case.doubt else ''} {wanted} {sorted(case.signals)}")
    signals = sorted(signal.value for signal in result.signals)
    print(f"  read {read} {signals} {result.confidence} {result.details}")
    print(f"  {case.review.text[:400]!r}")


def main(argv: Sequence[str] | None = None) -> None:
    """Print the reports; with --show, every review whose complaint or at_risk is read wrongly."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="the folder that holds the real reviews")
    parser.add_argument("--language", nargs="*", default=["en", "vi"])
    parser.add_argument("--split", default="all", choices=["dev", "test", "all"])
    parser.add_argument("--kind", nargs="*", default=["real", "own"])
    parser.add_argument("--show", nargs="?", const="complaint", choices=["complaint", *Signal])
    parser.add_argument("--json", action="store_true", help="print the accuracies as JSON only")
    arguments = parser.parse_args(argv)
    accuracies: dict[str, float] = {}
    for language in arguments.language:
        everything = review_cases(language, arguments.data)
        for kind in arguments.kind:
            cases = [
                case for case in everything if case.kind == kind and arguments.split in {"all", case.split}
            ]
            if not cases:
                continue
            found = [classify(case.review) for case in cases]
            right = sum(
                1 for case, result in zip(cases, found, strict=True) if case.complaints[0] == result.complaint
            )
            accuracies[f"{kind}_{language}"] = right / len(cases)
            if arguments.json:
                continue
            print(f"\n== {kind} {language}, {arguments.split}: {len(cases)} reviews")
            print(
                complaint_report(cases, found), signal_report(cases, found), language_report(cases), sep="\n"
            )
            for case, result in zip(cases, found, strict=True):
                if arguments.show and _is_wrong(case, result, arguments.show):
                    show(case, result)
    if arguments.json:
        print(json.dumps(accuracies))


def _is_wrong(case: ReviewCase, result: Classification, what: str) -> bool:
    if what == "complaint":
        return case.complaints[0] != result.complaint
    return (what in case.signals) != (what in {signal.value for signal in result.signals})


if __name__ == "__main__":
    main()
