"""From logs to figures: `evals/figures.json` holds the last measured ones of every block, tables show them.

A block is what one task measured in one way, such as `replies-templates-own`; a task names it in its
metadata (`{"block": …}`), else it is the task's name. What is not measured again stays, with its own date
and version, so that a run without the data folder or without a model loses nothing.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inspect_ai.log import EvalLog, list_eval_logs, read_eval_log

from calmreply.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from inspect_ai.log import EvalSample
    from inspect_ai.scorer import Score

__all__ = ["FILE", "block_of", "figures_of", "load_figures", "read_logs", "save_figures", "scores_of"]

FILE = Path(__file__).with_name("figures.json")
_GROUP_KEYS = ("language", "complaint", "source")
_DIGITS = 4


def read_logs(folder: str | Path) -> dict[str, EvalLog]:
    """The newest finished log of each block in a folder, whole.

    Raises:
        InputError: the folder holds no finished log.
    """
    logs: dict[str, EvalLog] = {}
    for info in list_eval_logs(str(folder), descending=False):
        log = read_eval_log(info)
        if log.status == "success" and log.samples:
            logs[block_of(log)] = log
    if not logs:
        raise InputError(
            f"there is no finished log in {str(folder)!r}",
            hint="make evals writes some; `inspect eval-retry` finishes one that was broken off",
        )
    return logs


def block_of(log: EvalLog) -> str:
    """The name of the block that a log measured."""
    return str((log.eval.metadata or {}).get("block") or log.eval.task)


def figures_of(log: EvalLog) -> dict[str, Any]:
    """What a log measured, ready for JSON.

    Returns:
        `task`, `date` (ISO), `version` of calmreply, `samples` by group, and `figures`: for each
        `scorer/metric`, `scorer/name/metric` or `scorer/metric/part`, by group ("all", "language=en", …),
        a pair of the value and the number of samples that were scored.
    """
    counts = _scored(log)
    figures: dict[str, dict[str, list[float]]] = {}
    for scorer, metric, group, value in _measured(log):
        count = counts[scorer, group]
        figures.setdefault(f"{scorer}/{metric}", {})[group] = [round(value, _DIGITS), count]
    return {
        "task": log.eval.task.rpartition("/")[2],
        "date": str(log.eval.created)[:10],
        "version": str((log.eval.metadata or {}).get("version", "")),
        "samples": {group: counts["", group] for name, group in sorted(counts) if not name},
        "figures": figures,
    }


def load_figures(path: Path = FILE) -> dict[str, dict[str, Any]]:
    """The figures of every block; none where nothing was measured yet."""
    return json.loads(path.read_text("utf-8")) if path.is_file() else {}


def save_figures(figures: dict[str, dict[str, Any]], path: Path = FILE) -> None:
    """Write the figures so that a change of one is a change of one line."""
    path.write_text(f"{json.dumps(figures, ensure_ascii=False, indent=1, sort_keys=True)}\n", "utf-8")


def scores_of(sample: EvalSample) -> Iterator[tuple[str, Score, Any]]:
    """Name, score and value of everything measured on a sample; a score of parts gives each part."""
    for name, score in (sample.scores or {}).items():
        if isinstance(score.value, dict):
            for part, value in score.value.items():
                yield f"{name}/{part}", score, value
        else:
            yield name, score, score.value


def _measured(log: EvalLog) -> Iterator[tuple[str, str, str, float]]:
    """Scorer, metric, group and value of every metric in a log that has a value."""
    for score in log.results.scores if log.results else ():
        scorer = score.scorer if score.name == score.scorer else f"{score.scorer}/{score.name}"
        for metric in score.metrics.values():
            name, _, group = metric.name.rpartition(" ") if metric.group == "by" else (metric.name, "", "all")
            if metric.group not in {"by", None}:
                name = f"{metric.group}/{name}"
            if name != "by" and metric.value is not None and not math.isnan(metric.value):
                yield scorer, name, group, metric.value


def _scored(log: EvalLog) -> Counter[tuple[str, str]]:
    """How many samples each scorer scored in each group; under "" how many there are."""
    counts: Counter[tuple[str, str]] = Counter()
    for sample in log.samples or ():
        known: dict[str, Any] = {}
        for name, score, value in scores_of(sample):
            known.update(score.metadata or {})
            if not (isinstance(value, float) and math.isnan(value)):
                counts.update((name, group) for group in _groups(score.metadata or {}))
        counts.update(("", group) for group in _groups(known))
    return counts


def _groups(metadata: dict[str, Any]) -> list[str]:
    return ["all", *(f"{key}={metadata[key]}" for key in _GROUP_KEYS if key in metadata)]
