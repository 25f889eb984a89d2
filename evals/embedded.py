"""Replies of the embedded model to real reviews: drafts, broken rules and what came out, with a table.

    python -m evals.embedded --data FOLDER --language en --n 60 --seed 1 --out replies.jsonl

By default a review's complaint and signals are taken from the labels in `evals/reviews/`, so that the
writing is measured and not the reading; `--read` has the classifier read it as in daily use.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from calmreply.local import EmbeddedModel
from calmreply.replier import Replier
from calmreply.review import Classification, Review
from calmreply.settings import Settings
from calmreply.shop import Shop
from evals.cases import HERE, read_jsonl

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from calmreply.reply import Reply

# Every kind of remedy at least once, in the form a shop writes it.
POLICY: dict[str, Any] = {
    "en": {
        "name": "Oak & Nail",
        "languages": ["en"],
        "channels": [{"kind": "email", "value": "care@oakandnail.com"}],
        "escalation": {"role": {"en": "our shop manager"}, "within": "24 hours"},
        "remedies": {
            "damaged": {"action": "replacement", "within": "24 hours", "extras": ["keep the broken item"]},
            "late": {"action": "voucher", "value": "$20", "within": "48 hours"},
            "not_as_described": {"action": "replacement", "within": "2 days", "extras": ["a small gift"]},
            "quality": {"action": "refund", "within": "3 days"},
            "pricing": {"action": "partial_refund", "value": "10%", "within": "3 days"},
            "payment": {"action": "refund", "within": "24 hours"},
        },
    },
    "vi": {
        "name": "Tiệm Nhà Mây",
        "languages": ["vi"],
        "channels": [{"kind": "zalo", "value": "0909 123 456"}],
        "escalation": {"role": {"vi": "chị quản lý"}, "within": "24 giờ"},
        "remedies": {
            "damaged": {
                "action": "replacement",
                "within": "24 giờ",
                "extras": ["không cần gửi lại món hàng cũ"],
            },
            "late": {"action": "voucher", "value": "50K", "within": "2 ngày"},
            "not_as_described": {
                "action": "replacement",
                "within": "2 ngày",
                "extras": ["tặng kèm một đôi tất"],
            },
            "quality": {"action": "refund", "within": "3 ngày"},
            "pricing": {"action": "partial_refund", "value": "10%", "within": "3 ngày"},
            "payment": {"action": "refund", "within": "24 giờ"},
        },
    },
}


class LabelledReader:
    """A classifier that knows the labels."""

    def __init__(self, labels: dict[str, dict[str, Any]], language: str) -> None:
        self._labels = labels
        self._language = language

    def classify(self, review: Review, *, order: object | None = None) -> Classification:
        """The review's labels as a sure reading; labels need no order."""
        del order
        from calmreply.details import find_details

        label = self._labels[review.id or ""]
        return Classification(
            complaint=label["complaint"],
            complaints=tuple(label["complaints"]),
            signals=frozenset(label["signals"]),
            details=find_details(review.text, self._language),
            language=self._language,
        )


def main() -> None:
    """Run it from the command line."""
    options = _options()
    labels, reviews = _chosen(options)
    shop = Shop.load(options.shop) if options.shop else Shop.model_validate(POLICY[options.language])
    reader = None if options.read else LabelledReader(labels, options.language)
    settings = Settings(
        classify_with_model="never",
        grounding=options.grounding,
        temperature=options.temperature,
        max_attempts=options.attempts,
        # A busy machine is slow, and asking it again makes it slower.
        timeout_seconds=600.0,
        deadline_seconds=1200.0,
    )
    with EmbeddedModel(slots=2) as model:
        import openai

        client = openai.OpenAI(base_url=model.base_url, api_key=model.api_key)
        replier = Replier(shop, client, model=model.model_name, settings=settings, classifier=reader)
        start = time.perf_counter()
        with replier, ThreadPoolExecutor(2) as pool:
            replies = list(_kept(pool.map(replier.reply, reviews), reviews, options.out))
        _print_table(replies, time.perf_counter() - start)


def _chosen(options: argparse.Namespace) -> tuple[dict[str, dict[str, Any]], list[Review]]:
    """The labels by id, and the reviews drawn: real ones, or the project's own without a data folder."""
    kind = "real" if options.data else "own"
    labels = {row["id"]: row for row in read_jsonl(HERE / "reviews" / f"{kind}_{options.language}.jsonl")}
    texts = labels
    if options.data:
        rows = read_jsonl(options.data / f"reviews_{options.language}.jsonl")
        texts = {row["id"]: row for row in rows if row["id"] in labels}
    # What is at risk goes to no model.
    ids = sorted(id_ for id_ in texts if "at_risk" not in labels[id_]["signals"])
    drawn = random.Random(options.seed).sample(ids, min(options.n, len(ids)))
    return labels, [Review.model_validate(texts[id_]) for id_ in drawn]


def _kept(replies: Iterable[Reply], reviews: Iterable[Review], out: Path | None) -> Iterator[Reply]:
    """The replies, each written to the file as it comes."""
    with out.open("w", encoding="utf-8") if out else nullcontext() as stream:
        for review, reply in zip(reviews, replies, strict=True):
            if stream:
                stream.write(f"{json.dumps(_row(review, reply), ensure_ascii=False)}\n")
                stream.flush()
            yield reply


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data",
        type=Path,
        help="the folder with reviews_en.jsonl, reviews_vi.jsonl; else evals/reviews/own_*",
    )
    parser.add_argument("--language", default="en")
    parser.add_argument("--n", type=int, default=60, help="how many reviews")
    parser.add_argument("--seed", type=int, default=1, help="which reviews")
    parser.add_argument("--shop", type=Path, help="a shop.toml; else a policy of this file")
    parser.add_argument("--read", action="store_true", help="let the classifier read the reviews")
    parser.add_argument("--grounding", choices=["loose", "strict"], default="strict")
    parser.add_argument("--attempts", type=int, default=2)
    parser.add_argument("--temperature", type=float, default=Settings().temperature)
    parser.add_argument("--out", type=Path, help="where the drafts and replies go, one JSON object a line")
    return parser.parse_args()


def _row(review: Review, reply: Reply) -> dict[str, Any]:
    return {
        "id": review.id,
        "review": review.text,
        "complaint": reply.plan.complaint,
        "signals": sorted(reply.plan.signals),
        "details": reply.plan.details,
        "source": reply.source,
        "share": reply.model_share,
        "publishable": reply.publishable,
        "reasons": reply.reasons,
        "text": reply.text,
        "attempts": [
            {
                "draft": attempt.draft,
                "violations": [[one.rule, one.message, one.start, one.end] for one in attempt.violations],
                "seconds": round(attempt.seconds, 2),
            }
            for attempt in reply.attempts
        ],
    }


def _print_table(replies: list[Reply], seconds: float) -> None:
    count = len(replies)
    firsts = [reply.attempts[0] for reply in replies if reply.attempts]
    broken = Counter(rule for first in firsts for rule in {one.rule for one in first.violations})
    clean = sum(not first.violations for first in firsts)
    print(
        f"replies {count}, publishable {sum(reply.publishable for reply in replies)}, {seconds:.0f} s in all"
    )
    print(f"first drafts that keep every rule: {clean} of {len(firsts)}")
    for rule, times in broken.most_common():
        print(f"  {rule:<16}{times:>4}  {times / max(1, len(firsts)):.0%}")
    for source, times in Counter(str(reply.source) for reply in replies).most_common():
        print(f"source {source:<10}{times:>4}  {times / count:.0%}")
    calls = sum(reply.usage.requests for reply in replies)
    print(f"calls per reply {calls / count:.2f}")
    if firsts:
        taken = [attempt.seconds for reply in replies for attempt in reply.attempts]
        print(f"seconds per call {statistics.median(taken):.1f} (median), per reply {seconds / count:.1f}")
        prompt = [first.usage.prompt_tokens for first in firsts]
        print(f"prompt tokens {statistics.median(prompt):.0f} (median), {max(prompt)} (most)")
        shares = [reply.model_share for reply in replies]
        print(f"sentences by the model {statistics.mean(shares):.0%}")


if __name__ == "__main__":
    main()
