"""Fakes that several tests share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from calmreply import Classification, ModelRequest, Offer, Plan, Reply, Review, Shop, Source
from calmreply.flow import ModelCall
from calmreply.model import Message, usage_of
from calmreply.reply import Attempt

if TYPE_CHECKING:
    from calmreply.flow import Flow, Setup


class FixedClassifier:
    """Reads every review the same way."""

    def __init__(self, **fields: Any) -> None:
        self.classification = Classification.model_validate(
            {
                "complaint": "damaged",
                "complaints": ["damaged"],
                "language": "en",
                "confidence": 0.99,
                **fields,
            }
        )

    def classify(self, review: Review, *, order: object = None) -> Classification:
        return self.classification


def ceramics(**fields: Any) -> Shop:
    """A small English shop with one remedy and one channel."""
    return Shop.model_validate(
        {
            "name": "Riverbend Ceramics",
            "languages": ("en",),
            "escalation": {"role": "our studio manager", "within": "24 hours"},
            "channels": ({"kind": "hotline", "value": "0909 123 456"},),
            "remedies": {"damaged": Offer(action="replacement", within="24 hours")},
            **fields,
        }
    )


REVIEW = Review(text="The mug arrived cracked in two.", author="Anna Smith", stars=1, id="r1")

GOOD = (
    "Hello Anna, thank you for telling us about the cracked mug. We are sorry it reached you in two pieces. "
    "It is disappointing to open a parcel and find that. We will send you a replacement within 24 hours. "
    "Please call our hotline 0909 123 456 so that we can arrange it."
)

REPLY = Reply(
    text=GOOD,
    publishable=True,
    language="en",
    classification=FixedClassifier().classification,
    plan=Plan(complaint="damaged"),
    source=Source.MODEL,
    attempts=(Attempt(),),
)


def quick_flow(review: Review, setup: Setup, *, platform: str | None = None) -> Flow[Reply]:
    """One call a review, and no rules: for tests that are about the run."""
    if not setup.has_model:
        return REPLY
    messages = (Message(role="user", content=review.text),)
    answer = yield ModelCall(ModelRequest(messages=messages, max_tokens=300))
    return REPLY.model_copy(update={"usage": usage_of(answer, setup.settings)})
