"""The alternative to calmreply: the same model with the guidelines in one prompt, and nothing checked.

The prompts are in `evals/plain/`. `evals.side_by_side` runs it beside calmreply and scores both.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from calmreply.contacts import mask_private_data
from calmreply.errors import InputError
from calmreply.model import Message, ModelRequest, is_local
from calmreply.review import Review
from evals.models import answered

if TYPE_CHECKING:
    from calmreply.model import Model, ModelAnswer
    from calmreply.plan import Plan
    from calmreply.settings import Settings
    from calmreply.shop import Shop

__all__ = ["PlainWriter", "plain_prompt"]

_TEXTS = Path(__file__).parent / "plain"


class PlainWriter:
    """Writes replies with one prompt: the rules, two examples, review and offer. What comes is the reply.

    The model is told what calmreply's plan holds, complaint and offer, so that the writing is compared and
    not the planning; whoever has it choose from the policy itself gets more wrong offers.

    Args:
        shop: whose name and contact stand in the prompt.
        model: a sync model.
        settings: its cap on a reply.
        language: of the prompt and the replies.

    Raises:
        InputError: there is no plain prompt in that language.
    """

    def __init__(self, shop: Shop, model: Model, settings: Settings, *, language: str) -> None:
        self._model = model
        self._settings = settings
        self._texts = plain_prompt(language)
        self._head = _head(self._texts, shop)

    def request(self, review: Review, plan: Plan) -> ModelRequest:
        """The request for a reply; e-mails, phones and links are masked if it leaves this machine."""
        text = review.text if is_local(self._model) else mask_private_data(review.text)
        shown = review.model_copy(update={"text": text})
        asked = _asked(self._texts, shown, plan.complaint, _offer(self._texts, plan))
        return ModelRequest(messages=(*self._head, asked), max_tokens=self._settings.max_reply_tokens)

    def write(self, review: Review, plan: Plan) -> ModelAnswer:
        """Ask for a reply; its text is taken as it comes.

        Raises:
            ModelError: no answer came.
            InputError: the model is an async one.
        """
        return answered(self._model, self.request(review, plan))


def plain_prompt(language: str) -> dict[str, Any]:
    """The texts of the plain prompt in a language: `evals/plain/<language>.toml`.

    Raises:
        InputError: there are none.
    """
    path = _TEXTS / f"{language}.toml"
    if not path.is_file():
        known = ", ".join(sorted(one.stem for one in _TEXTS.glob("*.toml")))
        raise InputError(f"there is no plain prompt in {language!r}", hint=f"there are {known}")
    return tomllib.loads(path.read_text("utf-8"))


def _head(texts: dict[str, Any], shop: Shop) -> tuple[Message, ...]:
    """The rules, then the examples as turns: without them a small model repeats the rules or refuses."""
    channel = shop.channels[0] if shop.channels else None
    contact = f"{channel.kind} {channel.value}".strip() if channel else texts["anywhere"]
    head = [Message(role="system", content=texts["system"].format(shop=shop.name, contact=contact).strip())]
    for one in texts["examples"]:
        head += (
            _asked(texts, Review(text=one["text"]), one["complaint"], one["offer"]),
            Message(role="assistant", content=one["reply"].format(contact=contact)),
        )
    return tuple(head)


def _asked(texts: dict[str, Any], review: Review, complaint: str, offer: str) -> Message:
    asked: str = texts["asked"].format(
        signed=texts["signed"].format(author=review.author) if review.author else "",
        stars=review.stars or 1,
        text=review.text,
        complaint=texts["complaints"][complaint],
        offer=offer,
    )
    return Message(role="user", content=asked.strip())


def _offer(texts: dict[str, Any], plan: Plan) -> str:
    remedy = plan.remedy
    if remedy is None:
        return str(texts["none"])
    action: str = texts["actions"][remedy.action].format(role=plan.role or "", value=remedy.value or "")
    within = texts["within"].format(within=remedy.within) if remedy.within else ""
    offer = f"{action.strip()} {within}".strip()
    return "; ".join((offer, *remedy.extras))
