"""What a reply offers: mentions of things a shop can give, and whether each is really offered."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Any, NamedTuple

from calmreply.analysis import Hit
from calmreply.cues import Span, fold
from calmreply.languages import load_language
from calmreply.values import Duration

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from calmreply.analysis import Analysis, Sentence
    from calmreply.values import Found

__all__ = [
    "KINDS",
    "TIMED",
    "Offer",
    "can_be_read",
    "commits_at",
    "fold_words",
    "is_offered",
    "kinds_in",
    "pays_at",
    "read_offers",
    "role_words",
]

KINDS = (
    "goods", "new", "more", "money", "voucher", "gift", "free", "shipping", "repair", "fix", "call", "trace",
    "open",
)  # fmt: skip
_STRONG = frozenset(";:().-!?…")
_FUNCTION_WORDS = 0.1  # of all words; far less than any real text has
_UNCOMMITTED = ("vague", "asks", "hedge", "choice", "negated", "refused", "told", "habit")
# No promise of their own; a time promised for them is one.
TIMED = frozenset({"call", "trace"})
# Offers as they stand: "send us the taxi receipt" needs no word of commitment.
_OF_THEMSELVES = frozenset({"open"})
# No reply says so much; more would only cost time.
_MOST_HITS = 40
_MOST_MARKS = 200
_SUBJECT = 2  # words before the first noun
_NEAR = 4  # words between a negation and what it turns off


class Offer(NamedTuple):
    """A thing offered: its kind and place. Not `firm`: under a condition, or only hoped for."""

    kind: str
    start: int
    end: int
    sentence: int
    clause: Span
    firm: bool


def read_offers(
    analysis: Analysis, extra: Mapping[str, Sequence[str]], kinds: Iterable[str], values: Iterable[Found]
) -> tuple[Offer, ...]:
    """Every offer of those kinds in a text, and of `TIMED` ones beside a deadline.

    `extra` are a shop's own cues by group.
    """
    reader = _Reader(analysis)
    hits = [
        (kind, hit)
        for kind in kinds
        for hit in analysis.hits(f"offer_{kind}", tuple(extra.get(f"offer_{kind}", ())))[:_MOST_HITS]
    ]
    timed = {found.sentence for found in values if isinstance(found.value, Duration)}
    hits += [
        (kind, hit)
        for kind in TIMED.difference(kinds)
        for sentence in timed
        for hit in analysis.hits_in(f"offer_{kind}", sentence)[:_MOST_HITS]
    ]
    found = [offer for kind, hit in hits if (offer := reader.offer(kind, hit)) is not None]
    found += reader.payments(values)
    return tuple(sorted(found, key=lambda offer: (offer.start, offer.end)))


def commits_at(analysis: Analysis, at: Hit) -> bool:
    """Whether the words around a place, a deadline say, commit the shop to something in particular."""
    return _Reader(analysis).commits(at)


def is_offered(analysis: Analysis, kind: str, at: Hit) -> bool:
    """Whether words at a place, a sum say, are offered as a thing of that kind."""
    return _Reader(analysis).offer(kind, at) is not None


def pays_at(analysis: Analysis, at: Hit) -> bool:
    """Whether the words around a place speak of paying or giving back."""
    return _Reader(analysis).pays_at(at)


def kinds_in(analysis: Analysis) -> frozenset[str]:
    """The kinds of thing that a plan's own words ("free shipping on the next order") name."""
    return frozenset(kind for kind in KINDS if analysis.hits(f"offer_{kind}"))


def can_be_read(analysis: Analysis) -> bool:
    """Whether it holds function words of a language of ours as any text in it does."""
    known = total = 0
    for sentence in analysis.sentences:
        language = load_language(sentence.language)
        words = {language.folded(word) for word in language.function_words}
        forms = [language.folded(token.form) for token in sentence.tokens if token.form[0].isalpha()]
        known += sum(1 for form in forms if form in words)
        total += len(forms)
    return known >= _FUNCTION_WORDS * total


def fold_words(text: str) -> str:
    """Letters and digits only, without marks or case, single spaces around each word."""
    letters = "".join(char if char.isalnum() else " " for char in fold(text.casefold()))
    return f" {' '.join(letters.split())} "


class _Breaks(NamedTuple):
    """Where the clauses of a sentence begin, in the text as given: all of them, and the main ones."""

    weak: list[int]
    strong: list[int]


class _Reader:
    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis
        self._breaks: dict[int, _Breaks] = {}

    def offer(self, kind: str, hit: Hit) -> Offer | None:
        sentence = self._analysis.sentences[hit.sentence]
        clause, segment = self._around(hit, sentence)
        if self._is_turned_off(kind, hit, clause, segment, sentence):
            return None
        committed = kind in _OF_THEMSELVES or _offers_data(sentence).get("commits_by_default", False)
        choice = self._any("choice", Span(segment.start, clause.end), sentence)
        # What stands first is what the sentence speaks of: its verb may come after a comma.
        is_first = _words_between(sentence, segment.start, hit.start) <= _SUBJECT
        words = Span(segment.start, segment.end if is_first else clause.end)
        if not (committed or choice or self._any("commitment", words, sentence)):
            return None
        firm = not choice and self._is_firm(hit, clause, sentence)
        return Offer(kind, hit.start, hit.end, hit.sentence, clause, firm)

    def payments(self, values: Iterable[Found]) -> Iterator[Offer]:
        """Sums and shares that the shop pays: "half of it goes back to you"."""
        for found in values:
            if isinstance(found.value, Duration) or any(
                self._hits(thing, found.sentence) for thing in ("voucher", "gift")
            ):
                continue
            sentence = self._analysis.sentences[found.sentence]
            at = Hit(found.start, found.end, found.sentence)
            _, segment = self._around(at, sentence)
            if not self._any("pays", segment, sentence):
                continue
            if (offer := self.offer("money", at)) is not None:
                yield offer

    def pays_at(self, at: Hit) -> bool:
        """Whether the main clause around a place speaks of paying or giving back."""
        sentence = self._analysis.sentences[at.sentence]
        return self._any("pays", self._around(at, sentence)[1], sentence)

    def commits(self, at: Hit) -> bool:
        """Whether the main clause around a place says what the shop will do, and not only vaguely."""
        sentence = self._analysis.sentences[at.sentence]
        _, segment = self._around(at, sentence)
        return not (
            any(self._any(group, segment, sentence) for group in _UNCOMMITTED)
            or self._hits("proviso", at.sentence)
        )

    def _is_firm(self, hit: Hit, clause: Span, sentence: Sentence) -> bool:
        """Whether it is neither hoped for nor asked, nor hangs on what the shop does not know yet."""
        return not (
            sentence.tokens[-1].form == "?"
            or self._any("hedge", Span(clause.start, hit.end), sentence)
            or self._any("habit", Span(sentence.start, hit.end), sentence)
            or self._hits("proviso", sentence.index)
        )

    def _is_turned_off(self, kind: str, hit: Hit, clause: Span, segment: Span, sentence: Sentence) -> bool:
        if any(clause.start <= other.start < segment.end for other in self._hits("refused", hit.sentence)):
            return True
        if any(
            clause.start <= other.start < hit.end
            and (other.end > hit.start or _words_between(sentence, other.end, hit.start) <= _NEAR)
            for other in self._hits("negated", hit.sentence)
            if kind != "free" or other.end <= hit.start  # "not charged" is what is offered
        ):
            return True
        if self._any("choice", Span(clause.start, hit.end), sentence):
            return False
        if any(
            hit.end <= other.start < clause.end and _words_between(sentence, hit.end, other.start) <= _NEAR
            for other in self._hits("failed", hit.sentence)
        ):
            return True
        return kind not in _OF_THEMSELVES and self._is_told(hit, clause, segment, sentence)

    def _is_told(self, hit: Hit, clause: Span, segment: Span, sentence: Sentence) -> bool:
        """Whether it is felt, asked for or past, and nothing between commits the shop after all."""
        # Where words of commitment may be left out, a sentence of regret goes on over its commas.
        by_default = _offers_data(sentence).get("commits_by_default")
        start = segment.start if by_default else clause.start
        told = [other.end for other in self._hits("told", hit.sentence) if start <= other.start < hit.start]
        if by_default:
            told += [other.end for other in self._hits("regret", hit.sentence) if other.start < hit.start]
        if not told:
            return False
        return not self._any("commitment", Span(max(told), max(hit.end, clause.end)), sentence)

    def _any(self, group: str, span: Span, sentence: Sentence) -> bool:
        return any(
            other.start < span.end and span.start < other.end for other in self._hits(group, sentence.index)
        )

    def _hits(self, group: str, sentence: int) -> Iterable[Hit]:
        return self._analysis.hits_in(f"offer_{group}", sentence)[:_MOST_MARKS]

    def _around(self, hit: Hit, sentence: Sentence) -> tuple[Span, Span]:
        breaks = self._breaks.get(sentence.index)
        if breaks is None:
            breaks = self._breaks[sentence.index] = _breaks(sentence)
        return _between(breaks.weak, hit, sentence), _between(breaks.strong, hit, sentence)


def _offers_data(sentence: Sentence) -> dict[str, Any]:
    data: dict[str, Any] = load_language(sentence.language).data.get("offers", {})
    return data


def _between(breaks: Sequence[int], hit: Hit, sentence: Sentence) -> Span:
    before = bisect_left(breaks, hit.start + 1)
    after = bisect_left(breaks, hit.end)
    return Span(
        breaks[before - 1] if before else sentence.start,
        breaks[after] if after < len(breaks) else sentence.end,
    )


def _breaks(sentence: Sentence) -> _Breaks:
    data = _offers_data(sentence)
    weak_words, strong_words = set(data.get("weak_breaks", ())), set(data.get("strong_breaks", ()))
    weak: list[int] = []
    strong: list[int] = []
    for token in sentence.tokens:
        if token.form in _STRONG or token.form in strong_words:
            strong.append(token.start)
            weak.append(token.start)
        elif token.form == "," or token.form in weak_words:
            weak.append(token.start)
    return _Breaks(weak, strong)


def _words_between(sentence: Sentence, start: int, end: int) -> int:
    return sum(1 for token in sentence.tokens if start <= token.start and token.end <= end)


def role_words(role: str, language: str) -> Iterator[str]:
    """The head of a role's name, folded: "manager" of "our store manager"."""
    data = load_language(language).data.get("offers", {})
    words = fold_words(role).split()
    ends = {fold(word) for word in data.get("role_ends", ())}
    fillers = {fold(word) for word in data.get("role_fillers", ())}
    for at, word in enumerate(words):
        if word in ends and at:
            words = words[:at]
            break
    words = [word for word in words if word not in fillers] or words
    for at in data.get("role_head", [-1]):
        if -len(words) <= at < len(words):
            yield words[at]
