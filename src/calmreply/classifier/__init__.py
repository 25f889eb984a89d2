"""What a review says: complaint, signals, details, language and how sure that is, without any network."""

from __future__ import annotations

from calmreply.classifier.at_risk import AtRisk, Level, screen
from calmreply.classifier.language import detect_language
from calmreply.classifier.local import CONFIDENT, Classifier, LocalClassifier, classify
from calmreply.classifier.name import display_name

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
