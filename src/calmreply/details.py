"""The details of a review in closed vocabulary, and how a reply names them.

A detail is a concept (`cracked`), a concept with the kind of product (`cracked:mug`) or the kind of
product alone (`product:mug`). No word of the review itself is ever in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from calmreply.analysis import analyse
from calmreply.concepts import NAMES, PRODUCT, load_vocabulary, mentions_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from calmreply.concepts import Concept, Mention, Vocabulary
    from calmreply.plan import Plan

__all__ = ["detail_phrase", "find_details", "find_products", "is_specific", "own_details"]

# The complaints that are about the thing itself.
_ABOUT_THINGS = frozenset({"damaged", "not_as_described", "quality"})
_MOST = 3
_LONGEST = 4_000
_FEW_SENTENCES = 3
_PACKAGING = "packaging"


def find_details(text: str, language: str, *, product: str | None = None) -> tuple[str, ...]:
    """What a review tells of, the most telling first; nothing where it is vague.

    What is denied ("no scratches"), supposed ("if it breaks") or praised is left out.

    Args:
        text: the review.
        language: the code of the language it is read in; sentences in another of ours keep their own.
        product: the product's title, where it is known.
    """
    known = load_vocabulary(language).concepts
    mentions = [one for one in mentions_in(analyse(text[:_LONGEST], language)) if one.concept in known]
    told = [one for one in mentions if one.told and not one.concept.startswith((PRODUCT, NAMES))]
    products = [one for one in mentions if one.concept.startswith(PRODUCT)]
    title = _title(product, language)
    if not told:
        return tuple([*(one.concept for one in products), *title][:1])
    firsts = sorted(
        {one.concept: one for one in reversed(told)}.values(),
        key=lambda one: (known[one.concept].general, known[one.concept].aspect, one.sentence, one.start),
    )
    names = [one.concept for one in firsts[:_MOST]]
    for at, name in enumerate(names):
        if known[name].with_product is None:
            continue
        kind = _product_of(name, told, products, title)
        if kind and kind in known[name].suits and not _is_packed(name, mentions):
            names[at] = f"{name}:{kind}"
            break
    return tuple(names)


def find_products(text: str, language: str) -> frozenset[str]:
    """The kinds of product that a text names: a review, or a shop's whole catalogue."""
    return frozenset(
        one.concept.removeprefix(PRODUCT)
        for one in mentions_in(analyse(text, language))
        if one.concept.startswith(PRODUCT)
    )


def detail_phrase(detail: str, language: str) -> str | None:
    """A short noun phrase that follows "about" or "về"; None for a detail that is not in the vocabulary."""
    vocabulary = load_vocabulary(language)
    if detail.startswith(PRODUCT):
        kind = vocabulary.concepts.get(detail)
        return _named(kind, vocabulary) if kind else None
    name, _, product = detail.partition(":")
    concept = vocabulary.concepts.get(name)
    if concept is None:
        return None
    kind = vocabulary.concepts.get(PRODUCT + product) if product else None
    if kind is None or concept.with_product is None or not _parts(concept.with_product, kind):
        return concept.phrase
    return _filled(concept.with_product, kind)


def is_specific(details: Sequence[str], language: str) -> bool:
    """Whether they tell more than the kind of complaint or the product alone."""
    vocabulary = load_vocabulary(language)
    return any(
        (concept := vocabulary.concepts.get(detail.partition(":")[0])) is not None and not concept.general
        for detail in details
    )


def own_details(plan: Plan) -> tuple[str, ...]:
    """The plan's details that are what its complaint is about, things last; not those beside the point.

    Beside it is what another complaint is about, and a thing of which nothing is told where the complaint
    is not about things: "sorry about the app" is no word for a late parcel.
    """
    concepts = load_vocabulary(plan.language).concepts

    def is_own(detail: str) -> bool:
        concept = concepts.get(detail.partition(":")[0])
        if detail.startswith(PRODUCT):
            return plan.complaint in _ABOUT_THINGS
        return concept is None or concept.complaint in {"", plan.complaint}

    own = tuple(detail for detail in plan.details if is_own(detail))
    things = tuple(detail for detail in own if detail.startswith(PRODUCT))
    return tuple(detail for detail in own if detail not in things) + things


def _title(product: str | None, language: str) -> list[str]:
    if not product:
        return []
    found = mentions_in(analyse(product[:200], language))
    return [one.concept for one in found if one.concept.startswith(PRODUCT)]


def _product_of(
    name: str, told: Sequence[Mention], products: Sequence[Mention], title: Sequence[str]
) -> str | None:
    """The kind of product a concept is told of: in its clause, else the only one of a short review."""
    for mention in told:
        near = [one for one in products if (one.sentence, one.clause) == (mention.sentence, mention.clause)]
        if mention.concept == name and near:
            kind = min(near, key=lambda one: abs(one.start - mention.start)).concept
            return kind.removeprefix(PRODUCT)
    is_short = told[-1].sentence < _FEW_SENTENCES
    kinds = ({one.concept for one in products} if is_short else set()) or set(title)
    return kinds.pop().removeprefix(PRODUCT) if len(kinds) == 1 else None


def _is_packed(name: str, mentions: Iterable[Mention]) -> bool:
    """Whether its clause speaks of the packaging: then it is the box that was crushed."""
    packed = {(one.sentence, one.clause) for one in mentions if one.concept == _PACKAGING}
    return name != _PACKAGING and any(
        one.concept == name and (one.sentence, one.clause) in packed for one in mentions
    )


def _named(kind: Concept, vocabulary: Vocabulary) -> str:
    return f"{vocabulary.article} {kind.phrase}".strip()


def _parts(text: str, kind: Concept) -> bool:
    """Whether the product is another thing than what is said of it: no "camera of the camera".

    The first of several words says what sort of thing it is ("chiếc camera"); it stands in other phrases too.
    """
    words = kind.phrase.casefold().split()
    return set(text.casefold().split()).isdisjoint(words[1:] or words)


def _filled(text: str, kind: Concept) -> str:
    verbs = (
        {"is": "are", "has": "have", "was": "were", "s": ""}
        if kind.plural
        else {"is": "is", "has": "has", "was": "was", "s": "s"}
    )
    return text.format(product=kind.phrase, **verbs)
