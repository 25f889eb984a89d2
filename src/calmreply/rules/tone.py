"""The tone of a reply: whom it blames, and whether it quarrels with the customer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from calmreply.cues import fold
from calmreply.languages import load_language
from calmreply.rules import Finding, rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from calmreply.analysis import Hit, Sentence, Token
    from calmreply.languages import Language
    from calmreply.rules import Case

__all__ = ["argument", "blame"]

# Cue group, what its hit means, what to do instead.
_QUARRELS = (
    ("contradiction", "contradicts the customer", "Leave out who is right; answer the problem."),
    ("doubt", "doubts what the customer says", "Take the customer's account as it is, without a proof."),
    ("lecture", "lectures the customer", "Leave out what the customer should do or have known."),
    (
        "policy_quote",
        "holds the shop's rules against the customer",
        "Say what you will do instead.",
    ),
    ("sarcasm", "sounds sarcastic", "Say it plainly and kindly."),
    ("threat", "threatens the customer", "Leave out any consequence for the customer."),
    ("insult", "answers the tone with an insult", "Answer the problem, never the tone."),
)

# What may stand in a sentence that says sorry for it: "sorry that it was only half full".
_MILD = frozenset({"contradiction", "lecture", "policy_quote", "sarcasm"})


@rule(
    "blame",
    hint="Leave out who or what caused it, or own the choice in the same sentence: "
    '"we chose this partner, so it is our responsibility". Name no company and no person as the cause.',
    source="guidelines, section 4 and 3; denial and excuses lower trust (Kapeš 2022; Min 2015)",
)
def blame(case: Case) -> Iterable[Finding]:
    """Nobody else is made the cause without ownership, and no company or person by name."""
    hits = list(_blaming(case))
    if not hits:
        return
    owned = {hit.sentence for hit in case.hits("ownership")}
    companies = case.hits("blame_company")
    seen: set[int] = set()
    for hit in hits:
        if hit.sentence in seen:
            continue
        named = any(_overlap(hit, company) for company in companies) or _has_name(case, hit)
        if not named and owned & {hit.sentence, hit.sentence + 1}:
            continue
        seen.add(hit.sentence)
        yield _blame_finding(case, hit, named=named)


@rule(
    "argument",
    hint="Do not contradict, doubt, lecture, quote rules, mock or threaten; answer the problem.",
    source="guidelines, section 4; defensive replies lower trust (Kapeš 2022)",
)
def argument(case: Case) -> Iterable[Finding]:
    """The customer is not contradicted, doubted, lectured, mocked or threatened."""
    spared: dict[int, bool] = {}
    for group, what, instead in _QUARRELS:
        for hit in case.hits(group):
            if group in _MILD and spared.setdefault(hit.sentence, _is_regret(case, hit.sentence)):
                continue
            yield Finding(f"This {what}: {case.quote(hit)!r}.", hit.start, hit.end, hint=instead)


def _is_regret(case: Case, index: int) -> bool:
    """Whether the sentence says sorry for something and does not turn."""
    sentence = case.analysis.sentences[index]
    language = load_language(sentence.language)
    forms = [token.form for token in sentence.tokens]
    if any(turn in f" {' '.join(forms)} " for turn in _turns(language)):
        return False
    known = language.data.get("blame", {}).get("sorry_for", ())
    return any(
        token.form in known
        for hit in case.hits("apology")
        if hit.sentence == index
        for token in sentence.tokens
        if token.start >= hit.start
    )


def _blame_finding(case: Case, hit: Hit, *, named: bool) -> Finding:
    quoted = case.quote(hit)
    if named:
        return Finding(f"A company or person is named as the cause: {quoted!r}.", hit.start, hit.end)
    return Finding(f"The failure is put on somebody or something else: {quoted!r}.", hit.start, hit.end)


def _blaming(case: Case) -> Iterator[Hit]:
    """The hits that put the failure on somebody, in the order of the text."""
    hits = [*case.hits("blame_cause"), *case.hits("blame_customer")]
    companies = case.hits("blame_company")
    hits += [
        hit
        for hit in case.hits("blame_act")
        if not _is_from_review(case, next((name for name in companies if _overlap(hit, name)), hit))
    ]
    hits += [hit for hit in case.hits("blame_person") if _has_name(case, hit)]
    # A plain word that is also a company's name ("giao hàng nhanh") counts with capitals alone.
    plain = case.hits("blame_plain_word")
    return (
        hit
        for hit in sorted(hits)
        if not any(_overlap(hit, word) for word in plain if not _has_capitals(case, word))
    )


def _turns(language: Language) -> tuple[str, ...]:
    """The words after which a clause turns, with spaces around them."""
    return tuple(f" {word} " for word in language.data.get("reviews", {}).get("turns", ()))


def _is_from_review(case: Case, hit: Hit) -> bool:
    """Whether the customer speaks of the same party, so that the reply may only repeat it."""
    told = {fold(token.form) for sentence in case.review_analysis.sentences for token in sentence.tokens}
    language = load_language(case.analysis.sentences[hit.sentence].language)
    said = {fold(token.form) for token in _tokens(case, hit)}
    if any(_overlap(hit, name) for name in case.hits("blame_company")):
        return said <= told  # a company is named only where the customer names it
    return any(
        any(fold(word) in said for word in kind) and any(fold(word) in told for word in kind)
        for kind in language.data.get("blame", {}).get("parties", ())
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
