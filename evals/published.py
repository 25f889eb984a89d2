"""Replies from templates over many reviews: none may break a rule.

`python -m evals.published [--data FOLDER]`.
"""

from __future__ import annotations

import argparse
import random
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from calmreply import Replier, Review, Shop, check
from evals.cases import HERE, read_jsonl

if TYPE_CHECKING:
    from collections.abc import Sequence

_EXAMPLES = Path(__file__).parents[1] / "src" / "calmreply" / "data" / "examples"


def reviews_of(language: str, data: Path | None, count: int, seed: int) -> list[Review]:
    """Reviews drawn at random: real ones from the data folder, else the project's own."""
    if data is None:
        rows = read_jsonl(HERE / "reviews" / f"own_{language}.jsonl")
    else:
        rows = read_jsonl(data / f"reviews_{language}.jsonl")
    drawn = random.Random(seed).sample(rows, min(count, len(rows)))
    return [Review.model_validate(row) for row in drawn]


def main(argv: Sequence[str] | None = None) -> int:
    """Print how many replies break a rule, and why people are needed; 1 where one breaks a rule."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args(argv)
    broken = 0
    for path in sorted(_EXAMPLES.glob("*.toml")):
        shop = Shop.load(path)
        with Replier(shop, client=False) as replier:
            language = shop.languages[0]
            reasons: Counter[str] = Counter()
            openings: set[str] = set()
            reviews = reviews_of(language, arguments.data, arguments.count, arguments.seed)
            for review in reviews:
                reply = replier.reply(review)
                errors = {one.rule for one in check(reply.text, reply.plan, review) if one.is_error}
                if errors:
                    broken += 1
                    print(f"{review.id}: {sorted(errors)} in {reply.template}")
                reasons.update(reply.reasons or ("publishable",))
                openings.add(reply.text[:60])
            print(
                f"{shop.name}, {language}: {len(reviews)} reviews, {dict(reasons)}, {len(openings)} openings"
            )
    print(f"published replies that break a rule: {broken}")
    return 1 if broken else 0


if __name__ == "__main__":
    raise SystemExit(main())
