"""The tone of a reply: whom it blames, and whether it quarrels with the customer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from calmreply.acts import ACT_CUES, DOUBTED
from calmreply.cues import fold
from calmreply.languages import load_language
from calmreply.rules import Finding, rule

if TYPE_CHECKING:
    from collections.abc import Iterable

    from calmreply.analysis import Hit, Sentence, Token
    from calmreply.rules import Case

__all__ = ["argument", "blame"]

# Cue group, what its hit means, what to do instead; the last line where no cue says of what sort it is.
_QUARRELS = (
    ("contradiction", "contradicts the customer", "Leave out who is right; answer the problem."),
    ("doubt", "doubts what the customer says", "Take the customer's account as it is, without a proof."),
    ("lecture", "lectures the customer", "Leave out what the customer should do or have known."),
    ("policy_quote", "holds the shop's rules against the customer", "Say what you will do instead."),
    ("sarcasm", "sounds sarcastic", "Say it plainly and kindly."),
    ("threat", "threatens the customer", "Leave out any consequence for the customer."),
    ("insult", "answers the tone with an insult", "Answer the problem, never the tone."),
    ("", "argues with the customer", "Leave it out; answer the problem."),
)


@rule(
    "blame",
    hint="Leave out who or what caused it, or own the choice in the same sentence: "
    '"we chose this partner, so it is our responsibility". Name no company and no person as the cause.',
    source="guidelines, section 4 and 3; denial and excuses lower trust (Kapeš 2022; Min 2015)",
)
def blame(case: Case) -> Iterable[Finding]:
    """Nobody else is made the cause without ownership, and no company or person by name."""
    owned = {hit.sentence for hit in case.acting("owned")}
    blaming = {hit.sentence: hit for act in ("customer", "outsider") for hit in reversed(case.acting(act))}
    for sentence in case.analysis.sentences:
        index = sentence.index
        if (named := _named_cause(case, index)) is not None:
            message = f"A company or person is named as the cause: {case.quote(named)!r}."
            yield Finding(message, named.start, named.end)
        elif index in blaming and not owned & {index, index + 1} and not _is_acknowledged(case, sentence):
            hit = blaming[index]
            message = f"The failure is put on somebody or something else: {case.quote(hit)!r}."
            yield Finding(message, hit.start, hit.end)


@rule(
    "argument",
    hint="Do not contradict, doubt, lecture, quote rules, mock or threaten; answer the problem.",
    source="guidelines, section 4; defensive replies lower trust (Kapeš 2022)",
)
def argument(case: Case) -> Iterable[Finding]:
    """The customer is not contradicted, doubted, lectured, mocked or threatened."""
    said: set[int] = set()
    for hit in case.acting("argues"):
        if hit.sentence not in said:
            said.add(hit.sentence)
            what, instead = next(
                (what, instead)
                for group, what, instead in _QUARRELS
                if not group or hit in case.analysis.hits_in(group, hit.sentence)
            )
            yield Finding(f"This {what}: {case.quote(hit)!r}.", hit.start, hit.end, hint=instead)


def _named_cause(case: Case, index: int) -> Hit | None:
    """Where a company or a person is named as the cause, in a sentence that may well blame."""
    persons = case.analysis.hits_in("blame_person", index)
    if (named := next((hit for hit in persons if _has_name(case, hit)), None)) is not None:
        return named
    if case.analysis.acts(index)["outsider"] < DOUBTED:
        return None
    # A plain word that is also a company's name ("giao hàng nhanh") counts with capitals alone.
    plain = case.analysis.hits_in("blame_plain_word", index)
    for hit in case.analysis.hits_in("blame_company", index):
        if _has_capitals(case, hit) or not any(_overlap(hit, one) for one in plain):
            return hit
    cued = (hit for name in ACT_CUES["outsider"] for hit in case.analysis.hits_in(name, index))
    return next((hit for hit in cued if _has_name(case, hit)), None)


def _is_acknowledged(case: Case, sentence: Sentence) -> bool:
    """Whether it says sorry for what the customer themselves tell of a courier or such."""
    if case.analysis.acts(sentence.index)["apology"] < 1.0:
        return False
    said = {fold(token.form) for token in sentence.tokens}
    told = {fold(token.form) for each in case.review_analysis.sentences for token in each.tokens}
    parties = load_language(sentence.language).data.get("blame", {}).get("parties", ())
    return any(
        not said.isdisjoint(kind) and not told.isdisjoint(kind)
        for kind in ({fold(word) for word in party} for party in parties)
    )


def _has_name(case: Case, hit: Hit) -> bool:
    """Whether a capital inside the hit shows a name that is neither the shop's nor the customer's."""
    sentence = case.analysis.sentences[hit.sentence]
    language = load_language(sentence.language)
    ours = {
        word
        for name in (case.plan.name, case.plan.shop_name, case.review.author)
        for word in (name or "").lower().split()
    }
    known = language.data.get("blame", {})
    plain = language.function_words.union(known.get("not_names", ()))
    surely = known.get("first_names", ())
    first = _first_words(sentence)
    for token in _tokens(case, hit):
        written = case.text[token.start : token.end]
        if not written[:1].isupper() or written.isupper() or token.form in plain | ours:
            continue
        if token.start not in first or token.form in surely:
            return True
    return False


def _has_capitals(case: Case, hit: Hit) -> bool:
    words = case.quote(hit).split()
    return sum(word[0].isupper() for word in words) == len(words)


def _first_words(sentence: Sentence) -> set[int]:
    """Where a capital says nothing: the sentence's first word, and the first after a quote or colon."""
    tokens = sentence.tokens
    return {tokens[0].start} | {
        tokens[at + 1].start for at in range(len(tokens) - 1) if tokens[at].form in {'"', ":", "\n"}
    }


def _tokens(case: Case, hit: Hit) -> list[Token]:
    return [
        token for token in case.analysis.sentences[hit.sentence].tokens if hit.start <= token.start < hit.end
    ]


def _overlap(one: Hit, other: Hit) -> bool:
    return one.start < other.end and other.start < one.end
