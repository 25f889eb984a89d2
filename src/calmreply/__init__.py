"""Public replies to 1-star reviews that keep every rule, or say plainly that a person is needed.

    from calmreply import Replier, Review, Shop

    with Replier(Shop.load("shop.toml")) as replier:
        reply = replier.reply(Review(text="Arrived broken.", author="Anna", stars=1))

Names are imported on first use, so that `import calmreply` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from calmreply.checks import PublicReply, check
    from calmreply.classifier import LocalClassifier, classify
    from calmreply.errors import (
        BudgetExceededError,
        CalmReplyError,
        DiskSpaceError,
        EmbeddedModelError,
        InputError,
        ModelAuthError,
        ModelConnectionError,
        ModelError,
        ModelFetchError,
        ModelIntegrityError,
        ModelMissingError,
        ModelNotFoundError,
        ModelRateLimitError,
        ModelRefusedError,
        ModelRequestError,
        ModelResponseError,
        ModelServerError,
        ModelTimeoutError,
        PolicyError,
        PromptError,
        UnpublishableError,
    )
    from calmreply.model import Message, Model, ModelAnswer, ModelRequest, OpenAIModel
    from calmreply.outcome import Outcome, Tally
    from calmreply.plan import Action, Channel, Plan, Reason, Remedy
    from calmreply.planning import Order, make_plan
    from calmreply.platform import Platform
    from calmreply.replier import Replier
    from calmreply.reply import Attempt, Reply, Source, Usage
    from calmreply.review import Classification, Complaint, Review, Signal
    from calmreply.settings import Budget, Prices, Settings
    from calmreply.shop import Escalation, Offer, Shop, Voice
    from calmreply.violation import Severity, Violation

__version__ = "0.1.0"

_HOMES = {
    "checks": ("PublicReply", "check"),
    "classifier": ("LocalClassifier", "classify"),
    "errors": (
        "BudgetExceededError",
        "CalmReplyError",
        "DiskSpaceError",
        "EmbeddedModelError",
        "InputError",
        "ModelAuthError",
        "ModelConnectionError",
        "ModelError",
        "ModelFetchError",
        "ModelIntegrityError",
        "ModelMissingError",
        "ModelNotFoundError",
        "ModelRateLimitError",
        "ModelRefusedError",
        "ModelRequestError",
        "ModelResponseError",
        "ModelServerError",
        "ModelTimeoutError",
        "PolicyError",
        "PromptError",
        "UnpublishableError",
    ),
    "model": ("Message", "Model", "ModelAnswer", "ModelRequest", "OpenAIModel"),
    "outcome": ("Outcome", "Tally"),
    "plan": ("Action", "Channel", "Plan", "Reason", "Remedy"),
    "planning": ("Order", "make_plan"),
    "platform": ("Platform",),
    "replier": ("Replier",),
    "reply": ("Attempt", "Reply", "Source", "Usage"),
    "review": ("Classification", "Complaint", "Review", "Signal"),
    "settings": ("Budget", "Prices", "Settings"),
    "shop": ("Escalation", "Offer", "Shop", "Voice"),
    "violation": ("Severity", "Violation"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Action",
    "Attempt",
    "Budget",
    "BudgetExceededError",
    "CalmReplyError",
    "Channel",
    "Classification",
    "Complaint",
    "DiskSpaceError",
    "EmbeddedModelError",
    "Escalation",
    "InputError",
    "LocalClassifier",
    "Message",
    "Model",
    "ModelAnswer",
    "ModelAuthError",
    "ModelConnectionError",
    "ModelError",
    "ModelFetchError",
    "ModelIntegrityError",
    "ModelMissingError",
    "ModelNotFoundError",
    "ModelRateLimitError",
    "ModelRefusedError",
    "ModelRequest",
    "ModelRequestError",
    "ModelResponseError",
    "ModelServerError",
    "ModelTimeoutError",
    "Offer",
    "OpenAIModel",
    "Order",
    "Outcome",
    "Plan",
    "Platform",
    "PolicyError",
    "Prices",
    "PromptError",
    "PublicReply",
    "Reason",
    "Remedy",
    "Replier",
    "Reply",
    "Review",
    "Settings",
    "Severity",
    "Shop",
    "Signal",
    "Source",
    "Tally",
    "UnpublishableError",
    "Usage",
    "Violation",
    "Voice",
    "__version__",
    "check",
    "classify",
    "make_plan",
]


def __getattr__(name: str) -> object:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module 'calmreply' has no attribute {name!r}")
    module = import_module(f"calmreply.{home}")
    # All of a room at once: its names cost nothing once it is imported.
    for each in _HOMES[home]:
        globals()[each] = getattr(module, each)
    return globals()[name]


def __dir__() -> list[str]:
    return __all__
