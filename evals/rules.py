"""Precision and recall of every rule on the labelled replies: `python -m evals.rules`."""

from __future__ import annotations

import argparse
from collections import Counter
from typing import TYPE_CHECKING

from calmreply.checks import check
from calmreply.rules import all_rules
from calmreply.violation import Severity
from evals.cases import interval, reply_cases

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from evals.cases import ReplyCase


def broken_rules(case: ReplyCase) -> set[str]:
    """The error rules that `check` finds broken."""
    return {found.rule for found in check(case.reply, case.plan, case.review) if found.is_error}


def count(cases: Iterable[ReplyCase]) -> Counter[tuple[str, str]]:
    """(rule, "hit" | "miss" | "alarm") over the cases."""
    counts: Counter[tuple[str, str]] = Counter()
    for case in cases:
        found = broken_rules(case)
        for rule in found | case.broken:
            kind = "hit" if rule in found & case.broken else "alarm" if rule in found else "miss"
            counts[rule, kind] += 1
    return counts


def table(counts: Counter[tuple[str, str]], names: Sequence[str]) -> str:
    """Precision and recall per rule and micro-averaged, as text."""
    lines = [f"{'rule':<16}{'precision':>10}{'recall':>8}{'hit':>6}{'miss':>6}{'alarm':>6}"]
    for name in (*names, "micro"):
        hit, miss, alarm = (
            sum(counts[rule, kind] for rule in names) if name == "micro" else counts[name, kind]
            for kind in ("hit", "miss", "alarm")
        )
        precision = f"{hit / (hit + alarm):.3f}" if hit + alarm else "-"
        recall = f"{hit / (hit + miss):.3f}" if hit + miss else "-"
        lines.append(f"{name:<16}{precision:>10}{recall:>8}{hit:>6}{miss:>6}{alarm:>6}")
    sure, found = interval(hit, hit + alarm), interval(hit, hit + miss)
    lines.append(
        f"95 % intervals: precision {sure[0]:.3f} to {sure[1]:.3f}, recall {found[0]:.3f} to {found[1]:.3f}"
    )
    return "\n".join(lines)


def show(case: ReplyCase, rule: str) -> None:
    """Print a case that a rule got wrong."""
    missed = rule in case.broken
    print(f"\n{'MISSED' if missed else 'FALSE ALARM'} {rule} {case.id} ({case.note})")
    print(f"  review: {case.review.text}\n  plan: {case.plan.model_dump_json(exclude_defaults=True)}")
    print(f"  reply: {case.reply}")
    for found in check(case.reply, case.plan, case.review):
        if found.rule == rule:
            print(f"  found: {found.message} {case.reply[found.start : found.end]!r}")


def main(argv: Sequence[str] | None = None) -> None:
    """Print the tables; with --show, every case a rule got wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--language", nargs="*", default=["en", "vi"])
    parser.add_argument("--split", default="all", choices=["dev", "test", "all"])
    parser.add_argument("--rule", nargs="*", help="only these rules")
    parser.add_argument("--show", action="store_true", help="print the cases that went wrong")
    arguments = parser.parse_args(argv)
    names = arguments.rule or [name for name, rule in all_rules().items() if rule.severity is Severity.ERROR]
    for language in arguments.language:
        cases = [case for case in reply_cases(language) if arguments.split in {"all", case.split}]
        print(f"\n{language}, {arguments.split}: {len(cases)} replies")
        print(table(count(cases), names))
        if arguments.show:
            for case in cases:
                for rule in sorted((broken_rules(case) ^ case.broken) & set(names)):
                    show(case, rule)


if __name__ == "__main__":
    main()
