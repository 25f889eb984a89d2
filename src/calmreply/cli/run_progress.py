"""How a run is going, as a bar on a terminal, as a line now and then elsewhere; and its count at the end."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Self

from calmreply.cli.output import tell
from calmreply.reply import Source

if TYPE_CHECKING:
    from calmreply.outcome import Tally
    from calmreply.reply import Usage
    from calmreply.run import RunSummary
    from calmreply.run_estimate import Estimate

__all__ = [
    "RunProgress",
    "errors_line",
    "estimate_lines",
    "in_brackets",
    "sources_line",
    "spent_parts",
    "summary_lines",
]

_BAR_SECONDS, _LINE_SECONDS = 0.2, 10.0


class RunProgress:
    """Called with the summary after each review; a context manager.

    Attributes:
        summary: the last one it was called with.
    """

    def __init__(self) -> None:
        from rich.console import Console

        self.summary: RunSummary | None = None
        self._console = Console(stderr=True)
        self._bar: Any = None
        self._task: Any = None
        self._began = self._shown = time.monotonic()

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            from rich.progress import BarColumn, Progress, TextColumn

            self._bar = Progress(
                BarColumn(bar_width=20),
                TextColumn("{task.description}"),
                console=self._console,
                transient=True,
            )
            self._bar.start()
            self._task = self._bar.add_task("reading …", total=None)
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, summary: RunSummary) -> None:
        """Show how it is going, if it is time to."""
        now = time.monotonic()
        if self.summary is None:
            self._began = now
        self.summary = summary
        if now - self._shown < (_LINE_SECONDS if self._bar is None else _BAR_SECONDS):
            return
        self._shown = now
        if self._bar is None:
            tell(self.line())
        else:
            done = summary.tally.replies + summary.tally.failed
            self._bar.update(self._task, completed=done, total=summary.to_answer, description=self.line())

    def line(self) -> str:
        """How it is going, in a line: reviews, rate, sources, failures, tokens, money, time left."""
        summary = self.summary
        if summary is None:
            return "nothing is answered yet"
        tally, seconds = summary.tally, time.monotonic() - self._began
        done = tally.replies + tally.failed
        total = f" of {summary.to_answer:,}" if summary.to_answer is not None else ""
        rate = done / seconds if seconds > 0 else 0.0
        parts = [f"{done:,}{total}", f"{rate:.1f}/s", sources_line(summary.tally)]
        if tally.failed:
            parts.append(f"{tally.failed:,} failed")
        parts += spent_parts(tally.usage)
        if summary.left and rate:
            parts.append(f"{_duration(summary.left / rate)} left")
        return " · ".join(filter(None, parts))


def summary_lines(summary: RunSummary) -> list[str]:
    """The count of every row, and what the replies took."""
    tally, skipped = summary.tally, summary.skipped
    lines = {
        "rows": f"{summary.rows:,}",
        "answered": f"{tally.replies:,}{in_brackets(sources_line(summary.tally))}",
        "of these edited": f"{summary.edited:,}" if summary.edited else "",
        "for a person": f"{tally.needs_human:,}",
        "kept": f"{summary.kept:,}" if summary.kept else "",
        "skipped": ", ".join(
            f"{count:,} for {_SKIPPED[reason]}" for reason, count in sorted(skipped.items())
        ),
        "failed": f"{tally.failed:,}{in_brackets(errors_line(summary.tally))}",
        "bad rows": f"{summary.bad:,}",
        "left": f"{summary.left:,}" if summary.left else "",
        "took": " · ".join([*spent_parts(tally.usage), _duration(summary.seconds)]),
        "in OUT": _wear(summary),
    }
    return [f"{label + ':':<17}{text}" for label, text in lines.items() if text]


_SKIPPED = {"stars": "their stars", "replied": "a reply they have"}


def estimate_lines(estimate: Estimate) -> list[str]:
    """What a run would take, from the least to the most."""
    least, most, summary = estimate.least, estimate.most, estimate.summary
    cost = "unknown: name --prices"
    if least.cost is not None and most.cost is not None:
        cost = f"{least.cost:,.2f} to {most.cost:,.2f}"
    lines = {
        "rows": f"{summary.rows:,}, {summary.to_answer or 0:,} to answer, {summary.kept:,} answered before, "
        f"{summary.skipped.total():,} skipped, {summary.bad:,} bad",
        "calls": f"{least.requests:,} to {most.requests:,}",
        "tokens": f"{least.total_tokens:,} to {most.total_tokens:,}",
        "cost": cost,
        "reckoned from": f"{estimate.sampled:,} reviews",
    }
    return [f"{label + ':':<17}{text}" for label, text in lines.items()]


def sources_line(tally: Tally) -> str:
    """Who wrote the replies, by shares."""
    shares = ((source, tally.sources[source] / tally.replies) for source in Source if tally.sources[source])
    return ", ".join(f"{source} {share:.0%}" for source, share in shares)


def errors_line(tally: Tally) -> str:
    """What went wrong, by codes."""
    return ", ".join(f"{code} {count:,}" for code, count in tally.errors.most_common())


def spent_parts(usage: Usage) -> list[str]:
    """Requests, tokens and money."""
    if not usage.requests:
        return []
    parts = [f"{usage.requests:,} requests", f"{usage.total_tokens:,} tokens"]
    return [*parts, f"cost {usage.cost:,.2f}"] if usage.cost is not None else parts


def _wear(summary: RunSummary) -> str:
    parts = []
    if summary.has_broken_off:
        parts.append("the last line was broken off and was put aside")
    if summary.unreadable:
        parts.append(f"{summary.unreadable:,} lines are no rows")
    return ", ".join(parts)


def in_brackets(text: str) -> str:
    """A text in brackets, where there is one."""
    return f" ({text})" if text else ""


def _duration(seconds: float) -> str:
    if seconds < 100:  # noqa: PLR2004 - below that seconds say more
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 100 else f"{minutes / 60:.1f} h"  # noqa: PLR2004 - the same
