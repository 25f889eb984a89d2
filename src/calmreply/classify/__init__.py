"""What a review says: complaint, signals, details, language and how sure that is, without any network."""

from __future__ import annotations

from calmreply.classify.at_risk import AtRisk, Level, screen
from calmreply.classify.language import detect_language
from calmreply.classify.local import CONFIDENT, Classifier, LocalClassifier, classify
from calmreply.classify.name import display_name

__all__ = [
    "CONFIDENT",
    "AtRisk",
    "Classifier",
    "Level",
    "LocalClassifier",
    "classify",
    "detect_language",
    "display_name",
    "screen",
]
