"""What a machine leaves behind in a text: placeholders, markup, tokens, labels, broken characters."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from calmreply.cues import fold
from calmreply.languages import language_codes, load_language

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from calmreply.analysis import Analysis, Sentence

__all__ = ["Trace", "copied", "cut_off", "labels", "marks", "quotes_around", "repeated"]


class Trace(NamedTuple):
    """Something that does not belong in a reply: what it is and where, in the text as given."""

    what: str
    start: int
    end: int


# Every repeat is bounded, so each pattern is linear in the length of the text.
_MARKS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "a chat token",
        re.compile(
            r"<\|[^<>\n]{0,40}\|?>|\|>|</?s>|\[/?INST\]|<</?SYS>>"
            r"|</?think(?:ing)?>|<(?:start|end)_of_turn>",
            re.IGNORECASE,
        ),
    ),
    (
        "a template token",
        re.compile(
            r"\{\{[^{}\n]{0,80}\}\}|\{%[^{}\n]{0,80}%\}|\{[^{}\n]{0,80}\}|\$\{?[A-Za-z_]{2,}\}?"
            r"|%\([a-z_]{1,30}\)s|%[sd](?!\w)|%[A-Z_]{2,30}%|#[A-Z_]{3,30}#"
        ),
    ),
    (
        "a placeholder",
        re.compile(
            r"\[(?!sic\])(?=[^\[\]\n]{0,59}[^\W\d])[^\[\]\n@/]{1,60}\]|_{3,}"
            r"|(?<![^\W\d_])[Xx]{3,}(?![^\W\d_])|\(\s{0,3}\.{3,9}\s{0,3}\)|(?<!\S)@(?:name|customer)\b",
            re.IGNORECASE,
        ),
    ),
    ("markup", re.compile(r"</?[A-Za-z!][^<>\n]{0,80}>|&(?:[a-z]{2,8}|#\d{2,5});")),
    (
        "markup",
        re.compile(
            r"\*\*|(?<![\w_])__(?=\w)|(?<=\w)__(?![\w_])|~~"
            r"|^[ \t]{0,8}#{1,6}[ \t]|^[ \t]{0,8}>[ \t]|^[ \t]{0,8}\*[ \t]"
            r"|^[ \t]{0,8}(?:-{3,}|={3,})[ \t]{0,8}$"
            r"|^[ \t]{0,8}(?:\d{1,2}[.)]|[-•–])[ \t]{0,8}$"
            r"|(?<![\w*])\*[^\s*][^*\n]{0,80}\*(?![\w*])|(?<![\w_])_[^\s_][^_\n]{0,80}[^\s_]_(?![\w_])",
            re.MULTILINE,
        ),
    ),
    (
        "code",
        re.compile(
            r"```|`[^`\n]{1,80}`|\\[nrt](?![A-Za-z]{2,}\\)|\\u[0-9a-fA-F]{4}|\\\""
            r"|\"\w{1,30}\"\s{0,3}:|^\s{0,8}[\[{]\s{0,8}[\"\[{]|[\"”]\s{0,3}[\]}]|[{}]",
            re.MULTILINE,
        ),
    ),
    (
        "broken characters",
        re.compile(
            "Ã[\u0080-\u00bf]|Ã[¡-¿]|â€|Â[\u00a0-\u00bf]|á[»º][^\\s.,!?…)]|Ä‘|Æ[°¡]"
            "|ï¿½|ï»¿|ðŸ|\ufffd|[\ue000-\uf8ff]"
        ),
    ),
    ("a control character", re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")),
    (
        "a character no reader sees",
        re.compile(
            "[\u00ad\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]"
            "|(?<=[A-Za-zÀ-ỹ0-9 ])[\u200c\u200d]"
        ),
    ),
)
_TAGS = re.compile("(?<![\U0001f3f4\U000e0020-\U000e007f])[\U000e0000-\U000e007f]")
_BLOB = re.compile(r"[!-~]{45,}")
_ADDRESS = re.compile(r"://|www\.|@|\.\w{2,6}/")
_SURE_LENGTH = 4
_NEAR_LENGTH = 6
_NEAR_RATIO = 0.9
_NEAR_COMPARED = 40
_COPIED_LENGTH = 6
_PAIRS = {'"': '"', "“": "”", "«": "»", "'": "'", "‘": "’", "„": "“", "`": "`"}
_DANGLING = (",", ";", ":", "&", "/", "(", "[", "{", "“", "«", "+", "=", "-", "–", "—")
_FINAL = (".", "!", "?", "…", ")", "]", '"', "”", "»", "'", "’", "。", "~", "^")
_FACE = re.compile(r"(?<!\w)[:;=][-'^]?[()DPpO3/\\|*]+|<3|\^_*\^|\(:|[:;]v\b")


def marks(text: str, allowed: Iterable[str] = ()) -> Iterator[Trace]:
    """Placeholders, tokens, markup, code and broken or invisible characters.

    `allowed` are strings of the plan: what stands so in them ("0909 xxx xxx") is no residue.
    """
    kept = [one for one in allowed if one]
    for what, pattern in _MARKS:
        for match in pattern.finditer(text):
            if not any(match.group().strip() in one for one in kept):
                yield Trace(what, *match.span())
    for match in _TAGS.finditer(text):
        yield Trace("a character no reader sees", *match.span())
    for match in _BLOB.finditer(text):
        piece = match.group()
        if not _ADDRESS.search(piece[:200]) and sum(char.isalnum() for char in piece) * 10 > len(piece) * 6:
            yield Trace("something that is no text", *match.span())
    if text.strip() and not any(char.isalpha() for char in text):
        yield Trace("something that is no text", 0, len(text))


def labels(text: str) -> Iterator[Trace]:
    """A label before the reply or a line of it: "Reply:", "Phản hồi:", "Option 2:"."""
    for match in _label_pattern().finditer(text):
        yield Trace("a label", *match.span(1))


@lru_cache(maxsize=1)
def _label_pattern() -> re.Pattern[str]:
    known = {
        form
        for code in language_codes()
        for label in load_language(code).data.get("address", {}).get("labels", ())
        for form in (label, fold(label))
    }
    any_label = "|".join(re.escape(label) for label in sorted(known, key=len, reverse=True))
    return re.compile(
        rf"^[ \t*#_>\[(\"“]{{0,6}}"
        rf"((?:{any_label})(?: ?#?\d{{1,2}}| \([^()\n]{{1,20}}\))?[*_\])]{{0,3}} ?[:：])",
        re.IGNORECASE | re.MULTILINE,
    )


def quotes_around(text: str) -> bool:
    """Whether the whole text stands in quotes, as a model's string and not as words that are quoted."""
    whole = text.strip()
    if len(whole) < 3 or _PAIRS.get(whole[0]) is None or whole[-1] not in {_PAIRS[whole[0]], whole[0]}:  # noqa: PLR2004 - two marks and a letter
        return False
    inside, mark = whole[1:-1], _PAIRS[whole[0]]
    for at, char in enumerate(inside):
        if char != mark:
            continue
        before, after = inside[at - 1 : at], inside[at + 1 : at + 2]
        if before.isalnum() and after.isalnum():
            continue  # an apostrophe
        # The first mark inside either opens a quotation in the quoted whole, or closes the first of two.
        return mark == whole[0] and (not before or before.isspace() or before == "(")
    return True


def repeated(sentences: Sequence[Sentence]) -> Iterator[Trace]:
    """Sentences that say again, word for word or nearly so, what an earlier one said."""
    seen: dict[tuple[str, ...], int] = {}
    long: list[tuple[str, ...]] = []
    for sentence in sentences:
        words = tuple(token.form for token in sentence.tokens if token.form[0].isalnum())
        if len(words) < _SURE_LENGTH:
            continue
        if words in seen or any(_is_near(words, other) for other in long):
            yield Trace("a repeated sentence", sentence.start, sentence.end)
        seen[words] = sentence.index
        if len(words) >= _NEAR_LENGTH and len(long) < _NEAR_COMPARED:
            long.append(words)


def copied(sentences: Sequence[Sentence], review: Sequence[Sentence]) -> Iterator[Trace]:
    """Whole sentences of the review, word for word: the customer's voice where the shop's should be."""
    said = " ".join(
        ("", *(token.form for one in review for token in one.tokens if token.form[0].isalnum()), "")
    )
    for sentence in sentences:
        words = [token.form for token in sentence.tokens if token.form[0].isalnum()]
        if len(words) >= _COPIED_LENGTH and f" {' '.join(words)} " in said:
            yield Trace("a sentence of the review", sentence.start, sentence.end)


def _is_near(words: tuple[str, ...], other: tuple[str, ...]) -> bool:
    if len(words) < _NEAR_LENGTH or abs(len(words) - len(other)) > 1:
        return False
    shared = len(set(words) & set(other))
    if shared * 10 < len(set(words)) * 8:
        return False
    return SequenceMatcher(None, words[:60], other[:60], autojunk=False).ratio() >= _NEAR_RATIO


def cut_off(analysis: Analysis, body: Sequence[Sentence]) -> Trace | None:
    """Where the text breaks off: at a word or mark that nothing can end with, or in an open bracket."""
    last = analysis.sentences[-1] if analysis.sentences else None
    if last is None or not body or body[-1].index != last.index:
        return None  # a signature stands below
    text = _FACE.sub("", last.text[-400:]).rstrip()
    while text and not (text[-1].isalnum() or text[-1] in _FINAL or text[-1] in _DANGLING):
        text = text[:-1].rstrip()  # emoji and the like
    opened = text.count("(") > text.count(")") or text.count("“") > text.count("”") + text.count('"')
    dangling = text.endswith(_DANGLING) and not text.endswith(("--", "~"))
    if dangling or opened:
        return Trace("a broken-off end", last.start, last.end)
    if not text or text.endswith(_FINAL):
        return None
    names = ("cut_off", "cut_off_careful") if _is_careful(body) else ("cut_off",)
    hits = [hit for name in names for hit in analysis.hits(name) if hit.sentence == last.index]
    return Trace("a broken-off end", hits[-1].start, last.end) if hits else None


def _is_careful(body: Sequence[Sentence]) -> bool:
    """Whether every sentence but the last begins with a capital and ends with a mark."""
    others = body[:-1]
    return len(others) > 1 and all(
        sentence.text[0].isupper() and sentence.text.endswith(_FINAL) for sentence in others
    )
