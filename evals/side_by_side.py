"""What calmreply adds: the same reviews with it and without it, scored by the same rules.

    python -m evals.side_by_side write --by plain --language en --out plain_en.jsonl [--data FOLDER]
    python -m evals.side_by_side write --by calmreply --language en --out other_en.jsonl --like plain_en.jsonl
    python -m evals.side_by_side score plain_en.jsonl other_en.jsonl

Every writer is told each review's complaint as it is labelled, so that the writing is compared and not the
reading. Files are what `calmreply check` reads. Reviews at risk go to no model and are not drawn.
"""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from calmreply.checks import check, errors_in
from calmreply.classifier import screen
from calmreply.cli.rows import review_values
from calmreply.errors import InputError, ModelError
from calmreply.model import usage_of
from calmreply.plan import Plan
from calmreply.replier import Replier
from calmreply.reply import Usage
from calmreply.review import Review
from calmreply.settings import Settings
from calmreply.tables import BadRow, read_rows, write_rows
from evals.cases import HERE, interval, read_jsonl
from evals.models import add_model_options, opened_model
from evals.plain import PlainWriter
from evals.shops import LabelledReader, shop_for

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from calmreply.tables import Row

__all__ = ["Case", "Score", "added", "drawn", "drawn_before", "report", "score", "table", "written"]

WRITERS = ("plain", "calmreply", "templates")
_WORKERS = 2  # what the embedded model answers at once


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """A review and the plan its labels lead to, the same for every writer."""

    review: Review
    plan: Plan


class Writer(Protocol):
    """Makes the reply's part of an output row."""

    def __call__(self, case: Case) -> Mapping[str, object]:
        """The columns `reply`, `source`, `publishable`, `error` and what the reply cost."""
        ...


def drawn(language: str, *, data: Path | None, count: int, seed: int) -> tuple[list[Review], LabelledReader]:
    """Reviews drawn at random and a reader that knows their labels: real ones with a data folder, else own.

    Raises:
        InputError: the data folder does not hold the reviews.
    """
    kind = "real" if data else "own"
    labels = {row["id"]: row for row in read_jsonl(HERE / "reviews" / f"{kind}_{language}.jsonl")}
    texts = labels
    if data is not None:
        path = data / f"reviews_{language}.jsonl"
        if not path.is_file():
            raise InputError(
                f"there is no {path.name} in the data folder", hint="leave --data out for the project's own"
            )
        texts = {row["id"]: row for row in read_jsonl(path) if row["id"] in labels}
    ids = [one for one in sorted(texts) if _may_be_sent(texts[one]["text"], labels[one]["signals"])]
    chosen = random.Random(seed).sample(ids, min(count, len(ids)))
    return [Review.model_validate(texts[one]) for one in chosen], LabelledReader(labels, language)


def drawn_before(path: Path, language: str) -> tuple[list[Review], LabelledReader]:
    """The reviews of a file that a writer wrote, and a reader that knows its plans' complaints and signals.

    Labels grow, and with them what a seed draws; a file stays.

    Raises:
        InputError: the file cannot be read, or a row has no plan.
    """
    rows = [row for row in read_rows(path) if not isinstance(row, BadRow)]
    plans = {row.values["id"]: _plan_of(row, path) for row in rows}
    labels = {
        name: {"complaint": plan.complaint, "complaints": [plan.complaint], "signals": plan.signals}
        for name, plan in plans.items()
    }
    return [_review_of(row) for row in rows], LabelledReader(labels, language)


def _may_be_sent(text: str, signals: Sequence[str]) -> bool:
    return "at_risk" not in signals and not screen(text).keep_local


def written(cases: Sequence[Case], writer: Writer, by: str) -> Iterator[dict[str, object]]:
    """A row for every case, in order: its review, its plan and what the writer made of it."""

    def row(case: Case) -> dict[str, object]:
        start = time.perf_counter()
        made = writer(case)
        return {
            **case.review.model_dump(include={"id", "text", "author", "stars", "product"}, exclude_none=True),
            "plan": case.plan.model_dump(mode="json"),
            "by": by,
            **made,
            "seconds": round(time.perf_counter() - start, 2),
        }

    with ThreadPoolExecutor(_WORKERS) as pool:
        yield from pool.map(row, cases)


def plain(writer: PlainWriter, settings: Settings) -> Writer:
    """The plain prompt as a writer; where the model fails there is no reply, and the row says why."""

    def write(case: Case) -> Mapping[str, object]:
        try:
            answer = writer.write(case.review, case.plan)
        except ModelError as error:
            if not error.retryable:
                raise
            return {"reply": "", "error": error.code, **_cost(error.usage or Usage())}
        error_code = "refused" if answer.refusal else None if (answer.text or "").strip() else "empty"
        return {
            "reply": answer.text or "",
            "source": "model",
            "publishable": not error_code,  # whoever posts what comes has nothing else to go by
            "error": error_code,
            **_cost(usage_of(answer, settings)),
        }

    return write


def calmreply(replier: Replier) -> Writer:
    """A replier as a writer."""

    def write(case: Case) -> Mapping[str, object]:
        reply = replier.reply(case.review)
        return {
            "reply": reply.text,
            "source": str(reply.source),
            "publishable": reply.publishable,
            "error": None,
            **_cost(reply.usage),
        }

    return write


def _cost(usage: Usage) -> dict[str, object]:
    return usage.model_dump(include={"requests", "prompt_tokens", "completion_tokens", "cost"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """How one file of replies keeps the rules.

    Attributes:
        by: who wrote them, or the file's name.
        kept: by review id, whether the reply keeps every error rule; an empty one keeps none.
        broken: replies that break a rule, by rule; an empty reply is `no reply`.
        costs: model calls, tokens (prompt and completion) and seconds of all replies together.
        bad_rows: rows that could not be read and are in no figure.
    """

    by: str
    kept: dict[str, bool]
    broken: Counter[str]
    costs: dict[str, float]
    bad_rows: int = 0

    @property
    def clean(self) -> int:
        """Replies that keep every rule."""
        return sum(self.kept.values())


def score(path: Path, *, ignored: Collection[str] = ()) -> Score:
    """Score a file of replies, each against its row's own plan; `ignored` rules count as kept.

    Raises:
        InputError: the file cannot be read, or a row has no plan.
    """
    kept: dict[str, bool] = {}
    broken: Counter[str] = Counter()
    costs: Counter[str] = Counter()
    by, bad_rows = path.stem, 0
    for row in read_rows(path):
        if isinstance(row, BadRow):
            bad_rows += 1
            continue
        by = str(row.extra.get("by") or by)
        rules = _broken_rules(row, _plan_of(row, path)) - set(ignored)
        kept[row.values["id"]] = not rules
        broken.update(rules)
        costs.update({name: row.extra.get(name) or 0 for name in _COSTS})
    return Score(by=by, kept=kept, broken=broken, costs=dict(costs), bad_rows=bad_rows)


_COSTS = ("requests", "prompt_tokens", "completion_tokens", "seconds")


def _broken_rules(row: Row, plan: Plan) -> set[str]:
    reply = row.values.get("reply") or ""
    if not reply.strip():
        return {"no reply"}
    return {one.rule for one in errors_in(check(reply, plan, _review_of(row)))}


def _plan_of(row: Row, path: Path) -> Plan:
    if "plan" not in row.values:
        raise InputError(
            f"row {row.number} of {path.name} has no plan", hint="write it with `side_by_side write`"
        )
    return Plan.model_validate(row.values["plan"])


def _review_of(row: Row) -> Review:
    return Review.model_validate(review_values(row))


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """The share of clean replies of one file less that of another, over the reviews both have.

    `low` and `high` bound the 95 % interval of a paired difference (normal approximation over the
    pairs that differ); all are -1 to 1.
    """

    pairs: int
    share: float
    low: float
    high: float


def added(base: Score, other: Score) -> Difference:
    """What `other` adds to `base`.

    Raises:
        InputError: they have no review in common.
    """
    common = base.kept.keys() & other.kept.keys()
    if not common:
        raise InputError(
            f"{base.by} and {other.by} have no review in common",
            hint="write the second with --like the first",
        )
    gained = sum(other.kept[one] and not base.kept[one] for one in common)
    lost = sum(base.kept[one] and not other.kept[one] for one in common)
    share, pairs = (gained - lost) / len(common), len(common)
    half = 1.96 * sqrt(max(0.0, gained + lost - (gained - lost) ** 2 / pairs)) / pairs
    return Difference(pairs=pairs, share=share, low=max(-1.0, share - half), high=min(1.0, share + half))


def table(scores: Sequence[Score]) -> str:
    """A Markdown table: a column a file, the rules most often broken by the first one on top."""
    rows = [("", *(one.by for one in scores)), ("---", *("---" for _ in scores))]
    rows.append(("replies", *(str(len(one.kept)) for one in scores)))
    rows.append(("keep every rule", *map(_clean_share, scores)))
    for rule, _ in sum((one.broken for one in scores), Counter()).most_common():
        rows.append((f"break `{rule}`", *(str(one.broken[rule] or "") for one in scores)))
    rows.extend(
        (f"{name.replace('_', ' ')} a reply", *(_mean(one, name) for one in scores)) for name in _COSTS
    )
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _clean_share(one: Score) -> str:
    low, high = interval(one.clean, len(one.kept))
    share = one.clean / len(one.kept) if one.kept else 0.0
    return f"{share:.0%} ({one.clean}; {low:.0%} to {high:.0%})"


def _mean(one: Score, name: str) -> str:
    return f"{one.costs.get(name, 0) / len(one.kept):.1f}" if one.kept else "-"


def main(argv: Sequence[str] | None = None) -> None:
    """Run it from the command line."""
    options = _options(argv)
    if options.command == "write":
        _write(options)
        return
    scores = [score(path, ignored=options.ignore) for path in options.files]
    said = report(scores)
    print(said)
    if options.results:
        from evals.report import written as write_blocks

        write_blocks(options.results, {options.block: said})


def report(scores: Sequence[Score]) -> str:
    """The table, what could not be read, and what each file adds to the first one, as Markdown."""
    lines = [table(scores)]
    lines += [
        f"{one.by}: {one.bad_rows} rows could not be read and are in no figure."
        for one in scores
        if one.bad_rows
    ]
    for one in scores[1:]:
        plus = added(scores[0], one)
        lines.append(
            f"{one.by} adds {plus.share:+.0%} ({plus.low:+.0%} to {plus.high:+.0%}) of replies that keep "
            f"every rule to {scores[0].by}, on {plus.pairs} reviews."
        )
    return "\n\n".join(lines)


def _write(options: argparse.Namespace) -> None:
    if options.like:
        reviews, reader = drawn_before(options.like, options.language)
    else:
        reviews, reader = drawn(options.language, data=options.data, count=options.n, seed=options.seed)
    shop = shop_for(options.language, options.shop)
    with ExitStack() as stack:
        by_label = stack.enter_context(Replier(shop, client=False, classifier=reader))
        cases = [Case(review=one, plan=by_label.plan(one)) for one in reviews]
        writer = calmreply(by_label)
        if options.by != "templates":
            model, settings = stack.enter_context(opened_model(options, Settings()))
            if options.by == "plain":
                told = PlainWriter(shop, model, settings, language=options.language)
                writer = plain(told, settings)
            else:
                replier = Replier(shop, model, settings=settings, classifier=reader)
                writer = calmreply(stack.enter_context(replier))
        # A stream gets each row at once: a run that is cut off leaves what it has.
        stream = stack.enter_context(options.out.open("w", encoding="utf-8"))
        rows = stack.enter_context(write_rows(stream))
        for row in written(cases, writer, options.by):
            rows.write(row)


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    write = commands.add_parser("write", help="have the reviews answered")
    write.add_argument("--by", choices=WRITERS, required=True)
    write.add_argument("--language", default="en")
    write.add_argument("--data", type=Path, help="the folder with the real reviews; else the project's own")
    write.add_argument("--n", type=int, default=60, help="how many reviews")
    write.add_argument("--seed", type=int, default=81, help="which reviews")
    write.add_argument("--like", type=Path, metavar="FILE", help="the reviews of this file instead")
    write.add_argument("--shop", type=Path, help="a shop.toml; else a policy with every kind of remedy")
    write.add_argument("--out", type=Path, required=True, help="JSON lines, one a reply")
    add_model_options(write)
    scored = commands.add_parser("score", help="score files of replies; the first is what is compared with")
    scored.add_argument("files", type=Path, nargs="+", metavar="FILE")
    scored.add_argument("--results", type=Path, help="also write it between a page's markers (RESULTS.md)")
    scored.add_argument("--block", default="side-by-side", help="the name of these markers")
    scored.add_argument("--ignore", nargs="+", default=[], metavar="RULE", help="rules that count as kept")
    return parser.parse_args(argv)


if __name__ == "__main__":
    main()
