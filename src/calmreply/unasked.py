"""What a draft says that nobody may want from it: the instructions it was given, codes of the review, talk.

Rules judge what a text says; these are judged by where a text comes from, which only the flow knows. So they
hold for a model's draft alone, and cost a sentence of it, never a reply.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from calmreply.acts import ACT_CUES, BESIDE_CUE, DOUBTED
from calmreply.analysis import Analysis
from calmreply.body import body_of
from calmreply.classifier.language import detect_language
from calmreply.concepts import mentions_in
from calmreply.contacts import find_contacts
from calmreply.languages import language_codes
from calmreply.review import Review
from calmreply.rules import Case, all_rules
from calmreply.values import Money, Percent, find_values

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from calmreply.analysis import Sentence
    from calmreply.plan import Plan

__all__ = ["secret_runs", "without_unasked"]

# So many words on end of the instructions are no chance.
_RUN = 6
# What a reply is for. A sentence that does none of these and tells nothing of the review is talk.
_HARMFUL = frozenset({"outsider", "customer", "argues", "solicits", "liable", "asks_public", "discloses"})
_HEARD_ALONE = ("argues", "outsider", "customer")
_SURE = 1.5
_SERVING = tuple(act for act in ACT_CUES if act not in _HARMFUL)
# What these rules name is left to them, so that an attempt says what its draft broke.
_RULED = ("promise", "contacts", "blame", "argument", "solicitation", "liability", "privacy")
_FEWEST_WORDS = 3
_NOT_WORDS = re.compile(r"[^\w]+")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
_CLAUSE_END = re.compile(r"[,;:] |\s[–—-]\s")
_FIGURE = re.compile(r"\d{2,}")
_TOKEN = re.compile(r"\w+(?:[-_]\w+)*")
_SHORT_CODE = 6
_SHORT_NUMBER = 5


def secret_runs(instructions: Iterable[str], meant: Iterable[str]) -> frozenset[str]:
    """Every run of six words of the instructions that stands in no text meant for the customer.

    A shorter sentence counts as a whole. The review, a line of JSON, is none of the instructions, nor is what
    a re-ask quotes of the draft behind its arrow.

    Args:
        instructions: what a model was told.
        meant: texts whose words may stand in a reply: the plan's promise, the examples' replies.
    """
    told = {run for text in instructions for piece in _pieces(text) for run in _runs(piece)}
    return frozenset(told.difference(*map(set, map(_runs, meant))))


def without_unasked(draft: str, plan: Plan, review: Review, secret: frozenset[str]) -> str:
    """The draft without whole sentences that nobody asked for.

    These hold a run of the instructions; a code of the review, which is for a person to look up and not for
    all to read; a sum that is not the plan's; a number that is neither the plan's nor the review's. Or they
    are in another of our languages; or do nothing that a reply is for and tell nothing the review tells;
    or a clause at their end does any such thing. What a rule names in a sentence is left to it.

    Args:
        draft: what the model wrote.
        plan: what the reply may say.
        review: the review it answers.
        secret: runs of the instructions, of `secret_runs`.
    """
    analysis = Analysis(draft, plan.language)
    unasked = _Unasked(analysis, plan, review, secret)
    kept: list[str] = []
    end, is_changed = 0, False
    for sentence in analysis.sentences:
        if unasked.holds(sentence):
            is_changed = True
        else:
            kept.append(draft[end if kept else sentence.start : sentence.end])
        end = sentence.end
    return "".join(kept) if is_changed else draft


class _Unasked:
    """What is known of a draft and its review, to judge sentence by sentence."""

    def __init__(self, analysis: Analysis, plan: Plan, review: Review, secret: frozenset[str]) -> None:
        self._secret = secret
        self._language = plan.language
        channel = plan.channel.value if plan.channel else None
        own = (channel, plan.signature, plan.shop_name, *plan.contacts, *plan.facts)
        known = (review.product, review.order_id, *own)
        self._codes = _codes(review.text) - _codes(" ".join(filter(None, known)))
        body = body_of(analysis, (plan.signature, plan.shop_name))
        self._body = {sentence.index for sentence in body}
        self._plan = plan
        case = Case(analysis.text, plan, review)
        self._ruled = {
            analysis.sentence_at(one.start)
            for rule in _RULED
            for one in all_rules()[rule].violations(case)
            if one.start is not None
        }
        self._figures = set(_FIGURE.findall(f"{plan.model_dump_json()} {review.model_dump_json()}"))
        self._priced = set(_priced(analysis, plan))
        self._useful = set(_serving(analysis)) | set(_telling(analysis, plan, review))

    def holds(self, sentence: Sentence) -> bool:
        """Whether the sentence is one that nobody asked for."""
        if self._codes & _codes(sentence.text) or not self._secret.isdisjoint(_runs(sentence.text)):
            return True
        if sentence.index in self._ruled:
            return False  # to be told, counted and mended
        if sentence.index in self._priced or not self._figures.issuperset(_FIGURE.findall(sentence.text)):
            return True
        if sentence.index not in self._body:
            return False
        return sentence.index not in self._useful or any(map(self._is_glued, _clauses(sentence.text)))

    def _is_glued(self, clause: str) -> bool:
        """Whether a clause, read by itself, is what a good sentence was made to carry.

        Beside the words of a promise or an invitation the model of acts does not hear it.
        """
        if not self._secret.isdisjoint(_runs(clause)) or self._is_foreign(clause):
            return True
        if any(all_rules()["promise"].violations(Case(clause, self._plan, Review()))):
            return True
        alone = Analysis(clause, self._language)
        if alone.acting("owned") or alone.acting("apology"):
            return False
        return any(alone.acting(act) for act in _HEARD_ALONE)

    def _is_foreign(self, text: str) -> bool:
        if len(text.split()) < _FEWEST_WORDS:
            return False
        found = detect_language(text)
        return found != self._language and found in language_codes()


def _serving(analysis: Analysis) -> Iterator[int]:
    """The sentences that do something a reply is for, or name a contact, which other rules look at."""
    for sentence in analysis.sentences:
        for act in _SERVING:
            strength = analysis.acts(sentence.index)[act]
            is_near = strength >= BESIDE_CUE.get(act, DOUBTED) and _is_cued(analysis, act, sentence.index)
            if is_near or strength >= _SURE:
                yield sentence.index
    for contact in find_contacts(analysis.clean):
        yield analysis.sentence_at(analysis.original(contact.start, contact.end).start)


def _is_cued(analysis: Analysis, act: str, sentence: int) -> bool:
    return any(analysis.hits_in(name, sentence) for name in ACT_CUES[act])


def _priced(analysis: Analysis, plan: Plan) -> Iterator[int]:
    """The sentences with a sum or a share in figures that the plan does not know."""
    remedies = [one for one in (plan.remedy, plan.private_remedy) if one]
    offered = (line for one in remedies for line in (one.value, *one.extras))
    known = {
        one.value
        for one in find_values(_read("\n".join(filter(None, (*offered, *plan.facts))), plan.language))
    }
    for found in find_values(analysis):
        has_figures = any(map(str.isdigit, analysis.text[found.start : found.end]))
        if isinstance(found.value, Money | Percent) and has_figures and found.value not in known:
            yield analysis.sentence_at(found.start)


def _telling(analysis: Analysis, plan: Plan, review: Review) -> Iterator[int]:
    """The sentences that name something the review names."""
    told = {mention.concept for mention in mentions_in(_read(review.text, plan.language))}
    yield from (mention.sentence for mention in mentions_in(analysis) if mention.concept in told)


@lru_cache(maxsize=64)
def _read(text: str, language: str) -> Analysis:
    return Analysis(text, language)


def _clauses(text: str) -> list[str]:
    """The clauses of a sentence that are long enough to say something by themselves; none of a single one."""
    parts = _CLAUSE_END.split(text)
    return [part for part in parts if len(part.split()) > _FEWEST_WORDS] if len(parts) > 1 else []


def _codes(text: str) -> frozenset[str]:
    return frozenset(token.casefold() for token in _TOKEN.findall(text) if _is_code(token))


def _is_code(token: str) -> bool:
    """Whether it was made for machines, or is shouted: digits among letters, a long number, capitals."""
    if token.isdigit():
        return len(token) >= _SHORT_NUMBER
    if any(map(str.isdigit, token)):
        return len(token) >= _SHORT_CODE
    return "_" in token or (token.isupper() and len(token) >= _SHORT_NUMBER)


def _pieces(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if not line.startswith("{"):
            said = line.partition(" → ")[0]
            yield said
            yield from _SENTENCE_END.split(said)


def _runs(text: str) -> Iterator[str]:
    """Runs of six words; of a text of four or five the whole, framed so that it is found only as one."""
    words = _NOT_WORDS.sub(" ", text.casefold()).split()
    if _FEWEST_WORDS < len(words) < _RUN:
        yield f"^ {' '.join(words)} $"
    yield from (" ".join(words[at : at + _RUN]) for at in range(len(words) - _RUN + 1))
