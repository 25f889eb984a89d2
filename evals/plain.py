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
from calmreply.planning import make_plan
from calmreply.review import Classification, Complaint, Review
from calmreply.untrusted import as_data
from evals.models import answered

if TYPE_CHECKING:
    from calmreply.model import Model, ModelAnswer
    from calmreply.plan import Plan
    from calmreply.settings import Settings
    from calmreply.shop import Shop

__all__ = ["PlainWriter"]

_TEXTS = Path(__file__).parent / "plain"


class PlainWriter:
    """Writes replies with one prompt for a shop: rules, policy, the review. What comes back is the reply.

    Args:
        shop: the policy that stands in the prompt.
        model: a sync model.
        settings: its cap on a reply.
        language: of the prompt and the replies.
        is_told: whether the model is told each review's complaint, as calmreply is by the labels.

    Raises:
        InputError: there is no plain prompt in that language.
    """

    def __init__(
        self, shop: Shop, model: Model, settings: Settings, *, language: str, is_told: bool = True
    ) -> None:
        self._model = model
        self._settings = settings
        self._is_told = is_told
        self._texts = _texts(language)
        self.system = _system(self._texts, shop, language)

    def request(self, review: Review, plan: Plan) -> ModelRequest:
        """The request for a reply; e-mails, phones and links are masked if it leaves this machine."""
        shown = {"author": review.author, "stars": review.stars, "product": review.product}
        text = review.text if is_local(self._model) else mask_private_data(review.text)
        fields = {**{name: value for name, value in shown.items() if value}, "text": text}
        told = [self._texts["told"].format(complaint=plan.complaint)] if self._is_told else []
        asked = "\n\n".join((*told, f"{self._texts['review']}\n{as_data(fields)}"))
        return ModelRequest(
            messages=(Message(role="system", content=self.system), Message(role="user", content=asked)),
            max_tokens=self._settings.max_reply_tokens,
        )

    def write(self, review: Review, plan: Plan) -> ModelAnswer:
        """Ask for a reply; its text is taken as it comes.

        Raises:
            ModelError: no answer came.
            InputError: the model is an async one.
        """
        return answered(self._model, self.request(review, plan))


def _texts(language: str) -> dict[str, Any]:
    path = _TEXTS / f"{language}.toml"
    if not path.is_file():
        known = ", ".join(sorted(one.stem for one in _TEXTS.glob("*.toml")))
        raise InputError(f"there is no plain prompt in {language!r}", hint=f"there are {known}")
    return tomllib.loads(path.read_text("utf-8"))


def _system(texts: dict[str, Any], shop: Shop, language: str) -> str:
    """The rules with the shop's whole policy in them."""
    plans = {complaint: _plan_for(complaint, shop, language) for complaint in Complaint}
    offers = "\n".join(f"- {complaint}: {_offer(texts, plan)}" for complaint, plan in plans.items())
    channel = plans[Complaint.DAMAGED].channel
    contact = texts["contact"].format(kind=channel.kind, value=channel.value).strip() if channel else "-"
    system: str = texts["system"].format(shop=shop.name, contact=contact, offers=offers)
    return system.strip()


def _plan_for(complaint: Complaint, shop: Shop, language: str) -> Plan:
    reading = Classification(complaint=complaint, complaints=(complaint,), language=language)
    return make_plan(Review(), reading, shop)


def _offer(texts: dict[str, Any], plan: Plan) -> str:
    remedy = plan.remedy
    if remedy is None:
        return str(texts["none"])
    action: str = texts["actions"][remedy.action].format(role=plan.role or "", value=remedy.value or "")
    within = texts["within"].format(within=remedy.within) if remedy.within else ""
    offer = f"{action.strip()} {within}".strip()
    return "; ".join((offer, *remedy.extras))
