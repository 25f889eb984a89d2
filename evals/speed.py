"""How long `check` takes over the labelled replies: `python -m evals.speed`.

At first sight: no sentence of the reply was read before. Again: the reply comes back, as a draft does
after mending and a template does in the next review. One process, one core, the language's data loaded.
"""

from __future__ import annotations

import platform
import statistics
import time
from typing import TYPE_CHECKING

from calmreply import analysis, sentence_reading
from calmreply.checks import check
from calmreply.languages import language_codes
from evals.cases import reply_cases

if TYPE_CHECKING:
    from evals.cases import ReplyCase

ROUNDS = 5


def main() -> None:
    """Print the median and the 95th percentile, in milliseconds, of the best of five rounds."""
    print(f"Python {platform.python_version()}, {platform.machine()}")
    for language in language_codes():
        cases = reply_cases(language)
        for case in cases:
            check(case.reply, case.plan, case.review)
        for name, forgets in (("first sight", True), ("again", False)):
            times = sorted(min(_seconds(case, forgets=forgets) for _ in range(ROUNDS)) for case in cases)
            median, high = statistics.median(times), times[int(0.95 * len(times))]
            print(f"{language}, {name:<12} {1000 * median:.2f} ms median, {1000 * high:.2f} ms at 95 %")


def _seconds(case: ReplyCase, *, forgets: bool) -> float:
    if forgets:
        analysis.analyse.cache_clear()
        sentence_reading.forget()
        # The review is read when it is classified, before there is a reply to check.
        analysis.analyse(case.review.text, case.plan.language)
    start = time.perf_counter()
    check(case.reply, case.plan, case.review)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
