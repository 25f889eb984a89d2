"""What a run would take, before it takes it: calls, tokens and money, from a sample of the reviews."""

from __future__ import annotations

import random
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from calmreply.errors import InputError
from calmreply.reply import Usage
from calmreply.run import Job, RunOptions, RunSummary, jobs_of
from calmreply.run_files import RunFiles
from calmreply.tokens import estimate_tokens, prompt_tokens_of

if TYPE_CHECKING:
    from pathlib import Path

    from calmreply.model import ModelRequest
    from calmreply.replier import Replier
    from calmreply.review import Review

__all__ = ["Estimate", "estimate_file"]

_SAMPLE = 300


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """What answering a file would take.

    Attributes:
        summary: the rows; `to_answer` are those to be answered, within the limit.
        sampled: the reviews the rest was reckoned from.
        least: every first draft is good, and as long as the template would be.
        most: every review takes all tries, and every answer its whole cap. Retries of failed HTTP requests
            come on top; they cost no tokens.
    """

    summary: RunSummary
    sampled: int
    least: Usage
    most: Usage


def estimate_file(
    replier: Replier, source: str | Path, target: str | Path, *, options: RunOptions | None = None
) -> Estimate:
    """Read the input and a random sample of 300 reviews (always the same), call nothing, write nothing.

    Tokens are `estimate_tokens`' estimates; prompts that the server caches cost less.

    Raises:
        InputError: the input cannot be read or has no rows, or OUT cannot.
    """
    options, summary = options or RunOptions(), RunSummary()
    sample: list[Review] = []
    chance = random.Random(0)
    with RunFiles(target) as files, closing(jobs_of(source, files, options, summary)) as jobs:
        files.read()
        count = 0
        for job in jobs:
            if isinstance(job, Job):
                count += 1
                place = chance.randrange(count)
                if len(sample) < _SAMPLE:
                    sample.append(job.review)
                elif place < _SAMPLE:
                    sample[place] = job.review
    if not summary.rows:
        raise InputError(f"there are no rows in {str(source)!r}", hint="each row is a review")
    summary.to_answer = count if options.limit is None else min(count, options.limit)
    least, most = Usage(), Usage()
    for review in sample:
        requests, reply = replier.requests_for(review, platform=options.platform)
        least += _least(requests, reply.text)
        most += _most(requests, replier.settings.max_attempts)
    scale = summary.to_answer / len(sample) if sample else 0.0
    return Estimate(
        summary=summary,
        sampled=len(sample),
        least=_scaled(least, scale, replier),
        most=_scaled(most, scale, replier),
    )


def _least(requests: list[ModelRequest], reply: str) -> Usage:
    """Every request once; a draft is as long as a template, a reading as good as nothing."""
    drafts = sum(request.purpose == "write" for request in requests)
    return Usage(
        requests=len(requests),
        prompt_tokens=sum(map(prompt_tokens_of, requests)),
        completion_tokens=drafts * estimate_tokens(reply),
    )


def _most(requests: list[ModelRequest], attempts: int) -> Usage:
    """Each draft as often as may be, with the last one in the prompt; every answer as long as may be."""
    total = Usage()
    for request in requests:
        times = attempts if request.purpose == "write" else 1
        repeated = (times - 1) * (prompt_tokens_of(request) + request.max_tokens)
        total += Usage(
            requests=times,
            prompt_tokens=prompt_tokens_of(request) + repeated,
            completion_tokens=times * request.max_tokens,
        )
    return total


def _scaled(usage: Usage, scale: float, replier: Replier) -> Usage:
    scaled = Usage(
        requests=round(usage.requests * scale),
        prompt_tokens=round(usage.prompt_tokens * scale),
        completion_tokens=round(usage.completion_tokens * scale),
    )
    return replier.settings.priced(scaled, getattr(replier.model, "name", None))
