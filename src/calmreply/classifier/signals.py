"""The signals beside the complaint: hostility, wild demands, third parties, praise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from calmreply.review import Complaint, Signal

if TYPE_CHECKING:
    from calmreply.classifier.evidence import Found
    from calmreply.classifier.reading import Reading

__all__ = ["read_signals"]


# The second group of a signal is for texts without marks, where a single short word says too little.
_GROUPS = {
    Signal.HOSTILE: ("signal_hostile", "signal_hostile_bare"),
    Signal.UNREASONABLE_DEMAND: ("signal_unreasonable_demand",),
    Signal.THIRD_PARTY: ("signal_third_party",),
}


def read_signals(reading: Reading, found: Found) -> tuple[set[Signal], tuple[str, ...]]:
    """The signals of a review, `at_risk` aside, and the words that give them away."""
    signals: set[Signal] = set()
    quotes: list[str] = []
    for signal, groups in _GROUPS.items():
        spans = [span for group in groups for span in reading.spans(group)]
        if spans:
            signals.add(signal)
            quotes += [reading.text[start:end] for start, end in spans[:2]]
    if found.primary is Complaint.OTHER and found.praise > max(0.5, found.scores["vague"]):
        signals.add(Signal.PRAISE)
    return signals, tuple(quotes)
