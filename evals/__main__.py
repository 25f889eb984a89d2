"""Everything that is measured: `python -m evals [--data FOLDER] [--model]`; `make evals` runs it.

Without a model: rules, complaints, replies by templates, bad reviews through bad models, the audit of a
small sample. With the data folder the same on real reviews; with --model replies of the embedded model, about
ten seconds a review. The logs go to a folder of their own; with --logs and the folder of a run that was
broken off, it goes on from there.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

from inspect_ai import eval_set

from calmreply.local import embedded_model_available
from evals import report, speed
from evals.injection_task import injection
from evals.tasks import audit, complaints, replies, rules

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inspect_ai import Task

HERE = Path(__file__).parent
SAMPLE = HERE / "audit" / "sample.jsonl"


def tasks_of(data: str | None, *, model: bool, n: int) -> list[Task]:
    """The tasks of a run; those on real reviews where there is a data folder, else on our own alone."""
    found = [rules(split="test"), audit(str(SAMPLE), name="sample")]
    for folder in (None, data) if data else (None,):
        found += [complaints(data=folder, split="test"), replies(data=folder, seed=7)]
        found.append(injection(data=folder, count=100))
        if model:
            found.append(replies(writer="embedded", data=folder, n=n, seed=71, labelled=True))
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Run the tasks and write the report; 1 where one of them did not finish."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", help="the folder that holds the real reviews")
    parser.add_argument("--model", action="store_true", help="replies of the embedded model too")
    parser.add_argument("--n", type=int, default=30, help="how many of those in each language")
    parser.add_argument("--logs", type=Path, help="where the logs go, or lie from a run broken off")
    options = parser.parse_args(argv)
    if options.model and not embedded_model_available():
        parser.error("the embedded model is not here: calmreply model fetch")
    logs = options.logs or Path("logs") / time.strftime("%Y%m%d-%H%M%S")
    tasks = tasks_of(options.data, model=options.model, n=options.n)
    # Two at once: what the embedded model has slots for, and what two cores can do.
    finished, _ = eval_set(tasks, log_dir=str(logs), model=None, display="plain", max_samples=2, max_tasks=1)
    report.main([str(logs)])
    speed.main()
    return 0 if finished else 1


if __name__ == "__main__":
    raise SystemExit(main())
