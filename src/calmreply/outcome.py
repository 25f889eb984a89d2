"""What became of the reviews of a run: one outcome each, and the count of them all."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from calmreply.errors import BudgetExceededError, CalmReplyError, InputError
from calmreply.reply import Reply, Source, Usage

if TYPE_CHECKING:
    from calmreply.review import Review

__all__ = ["Outcome", "Tally"]

# So many reviews on end that fail for a reason that is not theirs: a wrong key, a wrong name, a bug.
_HOPELESS_IN_A_ROW = 20


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one review: a reply, or the error in its way; never both, never neither.

    `number` is the review's place in the input, from 0; `review` is what was given.
    """

    number: int
    review: Review | str = field(repr=False)
    reply: Reply | None = None
    error: BaseException | None = None


@dataclass(kw_only=True)
class Tally:
    """The count of a run so far.

    Attributes:
        total: the reviews there are, None where the input does not tell its length.
        replies: reviews answered; `sources` is the same by who wrote, `needs_human` those for a person first.
        failed: reviews that ended in an error; `errors` is the same by the error's code or name.
        refused: reviews that were begun and met the end of the budget; they are left, not failed.
        usage: what all of them took, the failed ones too.
        stopped: why no further review is begun: the budget, or an error that met 20 reviews on end.
    """

    total: int | None = None
    replies: int = 0
    needs_human: int = 0
    failed: int = 0
    refused: int = 0
    sources: Counter[Source] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    usage: Usage = field(default_factory=Usage)
    stopped: BaseException | None = None
    _hopeless: int = field(default=0, repr=False)

    @property
    def left(self) -> int | None:
        """Reviews neither answered nor failed; None where nobody knows."""
        return None if self.total is None else max(0, self.total - self.replies - self.failed)

    def count(self, outcome: Outcome) -> None:
        """Add one outcome."""
        error = outcome.error
        if outcome.reply is not None:
            self.replies += 1
            self.needs_human += outcome.reply.needs_human
            self.sources[outcome.reply.source] += 1
            self.usage += outcome.reply.usage
            # A template for a review that no model was asked about says nothing about the model.
            if outcome.reply.attempts:
                self._hopeless = 0
            return
        self.usage += getattr(error, "usage", None) or Usage()
        if isinstance(error, BudgetExceededError):
            self.refused += 1
            self.stopped = self.stopped or error
            return
        self.failed += 1
        self.errors[error.code if isinstance(error, CalmReplyError) else type(error).__name__] += 1
        self._hopeless += not isinstance(error, InputError)  # an input error is the review's own
        if self._hopeless >= _HOPELESS_IN_A_ROW:
            self.stopped = self.stopped or error
