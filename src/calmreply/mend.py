"""Mending a draft without a model: whole sentences dropped, replaced or put in, never edited inside."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from calmreply.analysis import Analysis, Hit
from calmreply.checks import check
from calmreply.platform import find_platform
from calmreply.review import Review
from calmreply.rules import Case
from calmreply.rules.offered import KINDS, read_offers
from calmreply.templates import sentence_for, voice_of
from calmreply.values import find_values

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from calmreply.plan import Plan
    from calmreply.templates import Library
    from calmreply.violation import Violation

__all__ = ["mend", "shown_share", "unwrapped"]

# The formula's order: where a missing part is put in, and what follows what.
_ORDER = ("thanks", "apology", "acknowledgement", "empathy", "question", "remedy", "channel")
# Rules whose offending sentence goes, with nothing in its place unless the formula then misses a part.
_DROPPED = frozenset(
    {
        "acknowledgement",
        "addressee",
        "apology",
        "argument",
        "blame",
        "channel",
        "contacts",
        "invented",
        "language",
        "liability",
        "platform",
        "privacy",
        "promise",
        "remedy",
        "residue",
        "solicitation",
    }
)
_ROUNDS = 8
_MOST_SENTENCES = 7
_FENCE = re.compile(r"\A\s*```[a-z]*\n(.*?)\n?```\s*\Z", re.DOTALL)
_LABEL = re.compile(
    r"\A\s*(?:\*\*)?(?:public )?(?:reply|response|answer|draft|phản hồi|(?:câu )?trả lời)(?:\*\*)?\s*:"
    r"(?:\*\*)?\s*",
    re.IGNORECASE,
)
_PAIRS = (('"', '"'), ("“", "”"), ("'", "'"), ("«", "»"))


def unwrapped(draft: str, *, was_cut: bool = False) -> str:
    """The draft without code fence, label or quotes around the whole; a cut-off last sentence goes too."""
    text = draft.strip()
    if fenced := _FENCE.match(text):
        text = fenced.group(1).strip()
    text = _LABEL.sub("", text, count=1).strip()
    for opening, closing in _PAIRS:
        if len(text) > 1 and text.startswith(opening) and text.endswith(closing):
            inner = text[1:-1]
            if opening not in inner and closing not in inner:
                text = inner.strip()
    return _without_cut(text) if was_cut else text


def _without_cut(text: str) -> str:
    ends = [match.end() for match in re.finditer(r"[.!?…](?=\s|\Z)", text)]
    return text[: ends[-1]] if ends else text


@dataclass(frozen=True, slots=True)
class _Piece:
    """A sentence of the reply and the white space before it."""

    text: str
    gap: str = " "
    part: str | None = None


def mend(draft: str, plan: Plan, review: Review, library: Library, *, most_missing: int = 1) -> str | None:
    """The draft without its broken sentences, with at most `most_missing` parts put in; None if that fails.

    A part put in comes from the template library, in the draft's own pronouns. Nothing inside a
    sentence changes, and no sentence is left that points at a dropped one.
    """
    pieces = _pieces(draft, plan.language)
    voice = voice_of(draft, plan.language, library.voice)
    seed = review.id or review.text
    put_in = 0
    for _ in range(_ROUNDS):
        text = _joined(pieces)
        broken = _broken(text, plan, review)
        if not broken:
            return text
        dropped = _drop(pieces, broken, plan)
        if dropped is not None:
            pieces = dropped
            continue
        missing = [part for part in _ORDER if any(_is_missing(one, part) for one in broken)]
        if "remedy" in missing and len(kept := _without_offers(pieces, plan)) < len(pieces):
            pieces = kept
            continue
        put_in += len(missing)
        if missing and put_in <= most_missing:
            for part in missing:
                sentence = sentence_for(part, plan, voice=voice, seed=seed, library=library)
                if sentence is None:
                    return None
                pieces = _placed(pieces, _Piece(sentence, part=part), plan)
            continue
        shorter = _shortened(pieces, plan, review) if _is_too_long(broken) else None
        if shorter is None:
            return None
        pieces = shorter
    return None


def shown_share(text: str, draft: str, language: str) -> float:
    """The share of a reply's sentences, 0 to 1, that stand word for word in the draft."""
    sentences = [piece.text for piece in _pieces(text, language)]
    return sum(sentence in draft for sentence in sentences) / len(sentences) if sentences else 0.0


def _broken(text: str, plan: Plan, review: Review) -> list[Violation]:
    return [one for one in check(text, plan, review) if one.is_error or one.rule == "invented"]


def _pieces(text: str, language: str) -> list[_Piece]:
    pieces: list[_Piece] = []
    end = 0
    for sentence in Analysis(text, language).sentences:
        pieces.append(_Piece(text[sentence.start : sentence.end], text[end : sentence.start] or " "))
        end = sentence.end
    return pieces


def _joined(pieces: Sequence[_Piece]) -> str:
    return "".join(
        piece.text if at == 0 else (piece.gap if piece.gap.isspace() else " ") + piece.text
        for at, piece in enumerate(pieces)
    )


def _drop(pieces: list[_Piece], broken: Iterable[Violation], plan: Plan) -> list[_Piece] | None:
    """Without the sentences that break a rule where they stand; None where there is none to drop."""
    bad: set[int] = set()
    starts = _starts(pieces)
    for violation in broken:
        if violation.start is None or violation.rule not in _DROPPED:
            continue
        first = _at(starts, violation.start)
        last = _at(starts, max(violation.start, (violation.end or violation.start) - 1))
        if last - first > 1:
            return None  # it is about the whole text, not a sentence of it
        bad.update(range(first, last + 1))
    if not bad or len(bad) == len(pieces):
        return None
    for at in range(len(pieces)):
        if at not in bad and at - 1 in bad and _points_back(pieces[at].text, plan.language):
            bad.add(at)
    kept = [piece for at, piece in enumerate(pieces) if at not in bad]
    return kept or None


def _starts(pieces: Sequence[_Piece]) -> list[int]:
    starts, at = [], 0
    for number, piece in enumerate(pieces):
        if number:
            at += len(piece.gap) if piece.gap.isspace() else 1
        starts.append(at)
        at += len(piece.text)
    return starts


def _at(starts: Sequence[int], offset: int) -> int:
    return max(number for number, start in enumerate(starts) if start <= offset or number == 0)


def _points_back(sentence: str, language: str) -> bool:
    """Whether a sentence leans on the one before it: "it", "that", "vì vậy"."""
    return bool(Analysis(sentence, language).hits("points_back"))


def _is_missing(violation: Violation, part: str) -> bool:
    return violation.rule == part and violation.start is None


def _placed(pieces: list[_Piece], new: _Piece, plan: Plan) -> list[_Piece]:
    """The new sentence where the formula wants it: after what comes before it, ahead of what comes after."""
    case = Case(_joined(pieces), plan, Review())
    starts = _starts(pieces)
    first, last = _body(case, len(pieces))
    invitation = min((_at(starts, hit.start) for hit in _invitations(case)), default=last)
    if new.part == "channel":
        at = last
    elif new.part in {"remedy", "question"}:
        at = max(first, min(invitation, last))
    else:
        earlier = _ORDER[: _ORDER.index(new.part or "thanks")]
        ends = [_at(starts, hit.start) + 1 for part in earlier for hit in case.hits(part)]
        at = min(max([first, *ends]), last, max(first, invitation))
    gap = pieces[at].gap if 0 < at < len(pieces) and "\n" not in pieces[at].gap else " "
    return [*pieces[:at], _Piece(new.text, gap, new.part), *pieces[at:]]


def _invitations(case: Case) -> Iterable[Hit]:
    """Where the reply invites to the private channel: the contact itself, or a word for the chat."""
    if case.plan.channel is None or case.plan.channel.value:
        places = (case.analysis.original(one.start, one.end) for one in case.contacts)
        return [Hit(place.start, place.end, case.analysis.sentence_at(place.start)) for place in places]
    return case.hits("channel_chat")


def _without_offers(pieces: list[_Piece], plan: Plan) -> list[_Piece]:
    """Without the sentences in which the draft offers something: the remedy put in says it all.

    The invitation stays, whatever it says will be arranged there.
    """
    case = Case(_joined(pieces), plan, Review())
    starts = _starts(pieces)
    offers = read_offers(case.analysis, plan.cues, KINDS, find_values(case.analysis))
    offering = {_at(starts, offer.start) for offer in offers}
    offering -= {_at(starts, hit.start) for hit in _invitations(case)}
    return [piece for at, piece in enumerate(pieces) if at not in offering or piece.part]


def _body(case: Case, count: int) -> tuple[int, int]:
    """Where the sentences that count begin and end: behind the greeting, ahead of the signature."""
    body = case.body
    return (body[0].index, body[-1].index + 1) if body else (0, count)


def _is_too_long(broken: Iterable[Violation]) -> bool:
    return any(violation.rule == "length" for violation in broken)


def _shortened(pieces: list[_Piece], plan: Plan, review: Review) -> list[_Piece] | None:
    """One sentence fewer, the latest that the formula does not need; None where all are needed."""
    text = _joined(pieces)
    case = Case(text, plan, review)
    if len(case.body) <= _MOST_SENTENCES and find_platform(plan.platform).fits(text):
        return None  # it is too short, which no dropping mends
    before = {one.rule for one in _broken(text, plan, review)}
    for at in range(len(pieces) - 1, -1, -1):
        shorter = [*pieces[:at], *pieces[at + 1 :]]
        if at + 1 < len(pieces) and _points_back(pieces[at + 1].text, plan.language):
            continue
        if shorter and {one.rule for one in _broken(_joined(shorter), plan, review)} <= before:
            return shorter
    return None
