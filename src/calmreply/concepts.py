"""What a text speaks of, in closed vocabulary: concepts and kinds of product, each with its place.

The words of a concept are cues in the small language of `calmreply.cues` without gaps. Here each is written
out as plain phrases and looked up by its first word, so that a text is read in one pass.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any, NamedTuple

from calmreply.cues import fold
from calmreply.languages import load_language
from calmreply.languages.spelling import Speller
from calmreply.phrases import Entry, PhraseTree, written_out

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from calmreply.analysis import Analysis, Sentence
    from calmreply.languages import Language

__all__ = [
    "NAMES",
    "PRODUCT",
    "Concept",
    "Mention",
    "Vocabulary",
    "load_vocabulary",
    "mentions_in",
    "mentions_of",
    "spoken_words",
]

PRODUCT = "product:"
NAMES = "names:"
_STRETCHED = re.compile(r"(\w)\1{2,}")
_SHORTEST_TYPO = 7
_SHORTEST_STEM = 3
_LONGEST_SYLLABLE = 4
# A sentence with fewer marked words than one in so many is written without marks.
_MARKED_FROM = 8
# How many words may stand between "not" and what it denies.
_REACH = 3


@dataclass(frozen=True, slots=True)
class Concept:
    """One concept or kind of product, in one language.

    `phrase` follows "about"; `with_product` names the product too. A `general` concept fits any
    complaint of the kind; an `aspect` is a part or trait that can be praised as well as blamed.
    """

    id: str
    phrase: str
    with_product: str | None = None
    general: bool = False
    aspect: bool = False
    plural: bool = False
    complaint: str = ""
    suits: frozenset[str] = frozenset()


class Mention(NamedTuple):
    """A concept told of. `told`: it is said to be so, neither denied, supposed nor only touched upon."""

    concept: str
    sentence: int
    start: int
    end: int
    told: bool
    clause: int


class Vocabulary:
    """One language's concepts and products, ready to be looked up."""

    def __init__(self, language: Language) -> None:
        self.language = language
        path = resources.files("calmreply.languages") / language.code / "details.toml"
        data: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
        review_spellings: Mapping[str, Any] = language.data.get("reviews", {})
        self._letters = str.maketrans(dict(review_spellings.get("letters", {})))
        self._spellings = {
            short: tuple(full.split()) for short, full in review_spellings.get("expand", {}).items()
        }
        self.words: dict[str, frozenset[str]] = {
            name: frozenset(self.spelt(word) for word in listed.split())
            for name, listed in data.items()
            if isinstance(listed, str)
        }
        # The longest first: "pastes" loses "es", in every run the same.
        self._endings = sorted(self.words["endings"], key=lambda ending: (-len(ending), ending))
        self.article: str = data.get("article", "")
        self.concepts = {concept.id: concept for concept in _concepts(data)}
        generic = self.words["generic"]
        self._generic = generic | frozenset(map(fold, generic)) if language.folds else generic
        self._near: dict[str, set[str]] = {}
        for group in data["near"].values():
            for name in group.split():
                self._near.setdefault(name, set()).update(group.split())
        values: Mapping[str, Any] = language.data.get("values", {})
        self.numbers: Mapping[str, float] = values.get("numbers", {})
        self.units: Mapping[str, int] = values.get("units", {})
        self._marked, self._bare = PhraseTree(), PhraseTree()
        self._fill(data)
        known = (*self.words["generic"], *self.words["right"], *language.function_words)
        self._speller = Speller(_patterns(data), known, longest_first=_SHORTEST_TYPO)
        self._corrects = not language.folds
        self.cleaned = lru_cache(maxsize=8192)(self._cleaned)

    def spelt(self, word: str) -> str:
        """A word with letters that are often confused made one."""
        return word.translate(self._letters)

    def near(self, name: str) -> frozenset[str]:
        """The concept and those so near it that one word stands for the other."""
        return frozenset({name, *self._near.get(name, ())})

    def is_telling(self, word: str) -> bool:
        """Whether a word says something of one review in particular: neither generic nor a bare syllable."""
        return (
            word[0].isalpha()
            and word not in self._generic
            and word not in self.language.function_words
            and len(word) > 1
        )

    def stem(self, word: str) -> str:
        """The word without an ending that a language's data names."""
        for ending in self._endings:
            if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM:
                return word.removesuffix(ending)
        return word

    def forms(self, sentence: Sentence, text: str) -> list[str]:
        """The sentence's words as the tables know them; `text` is what it was read from."""
        forms: list[str] = []
        for token in sentence.tokens:
            form = token.form
            if self._corrects and form.isalpha():
                # The analysis puts typing errors right towards the words of replies, not towards these.
                given = text[token.start : token.end].lower()
                form = given if given.isalpha() and given not in self.language.expansions else form
            forms.extend(self.cleaned(form))
        return forms

    def table(self, forms: Sequence[str]) -> tuple[PhraseTree, Sequence[str]]:
        """The table for the way these words are written, and the words as it knows them."""
        if not self.language.folds:
            return self._marked, forms
        bare = [fold(form) or form for form in forms]  # a mark alone stays one
        marked = sum(form != plain for form, plain in zip(forms, bare, strict=True))
        return (self._bare, bare) if marked * _MARKED_FROM < len(forms) else (self._marked, forms)

    def _cleaned(self, form: str) -> tuple[str, ...]:
        if not form[0].isalpha():
            return (form,)
        full = self._spellings.get(form)
        if full is not None:
            return tuple(map(self.spelt, full))
        form = self.spelt(_STRETCHED.sub(r"\1", form))
        return (self._speller.corrected(form) if self._corrects else form,)

    def _fill(self, data: Mapping[str, Any]) -> None:
        for concept, row in _rows(data):
            for key, kind in (("words", ""), ("loose", "~"), ("unless", "!")):
                for pattern in row.get(key, ()):
                    for phrase in written_out(pattern):
                        self._add(phrase, Entry(concept, kind))
            if "phrase" in row:  # the words that name it in a reply take it up
                self._add(row["phrase"].replace(",", " ,").replace("-", " ").split(), Entry(concept, "~"))

    def _add(self, phrase: Sequence[str], entry: Entry) -> None:
        atoms = [self.spelt(word) for word in phrase]
        self._marked.add(atoms, entry, needs_neighbour=False)
        if self.language.folds:
            bare = [fold(atom) for atom in atoms]
            # A single syllable without its marks may be a dozen words.
            alone = len(atoms) == 1 and entry.kind != "!" and atoms[0] not in self.words["bare_plain"]
            is_short = len(bare[0]) <= _LONGEST_SYLLABLE
            self._bare.add(bare, entry, needs_neighbour=alone and (is_short or bare != atoms))


@lru_cache(maxsize=8)
def load_vocabulary(code: str) -> Vocabulary:
    """The vocabulary of a language.

    Raises:
        InputError: calmreply has no such language.
    """
    return Vocabulary(load_language(code))


def mentions_in(analysis: Analysis) -> list[Mention]:
    """Every concept and product spoken of, in order; each sentence read in its own language."""
    return [one for sentence in analysis.sentences for one in mentions_of(sentence, analysis.text)]


def mentions_of(sentence: Sentence, text: str) -> list[Mention]:
    """Every concept and product that a sentence of a text speaks of; places are words of the sentence."""
    return _mentions(sentence, text, load_vocabulary(sentence.language))


def spoken_words(analysis: Analysis) -> Iterator[tuple[str, Sequence[str]]]:
    """Of each sentence, its language and its words in the form that the vocabulary knows."""
    for sentence in analysis.sentences:
        vocabulary = load_vocabulary(sentence.language)
        yield sentence.language, vocabulary.table(vocabulary.forms(sentence, analysis.text))[1]


def _mentions(sentence: Sentence, text: str, vocabulary: Vocabulary) -> list[Mention]:
    table, forms = vocabulary.table(vocabulary.forms(sentence, text))
    hits: list[tuple[int, int, Entry]] = []
    void: list[tuple[int, int, str]] = []
    for at in range(len(forms)):
        for entry, needs_neighbour, end in table.ending(forms, at):
            if needs_neighbour and not _has_neighbour(forms, at, entry, vocabulary):
                continue
            if entry.kind == "!":
                void.append((at, end, entry.concept))
            else:
                hits.append((at, end, entry))
    if not hits:
        return []
    kept = [
        hit
        for hit in hits
        if not any(
            hit[2].concept == concept and hit[0] < end and start < hit[1] for start, end, concept in void
        )
    ]
    clauses = _Clauses(forms, vocabulary)
    return [
        Mention(
            entry.concept,
            sentence.index,
            start,
            end,
            not entry.kind and clauses.tells(vocabulary.concepts[entry.concept], start, end),
            clauses.of(start),
        )
        for start, end, entry in _longest(kept)
    ]


def _longest(hits: list[tuple[int, int, Entry]]) -> Iterator[tuple[int, int, Entry]]:
    """Without products inside the name of another: a phone case is no phone."""
    products = [(start, end) for start, end, entry in hits if entry.concept.startswith(PRODUCT)]
    for hit in hits:
        if hit[2].concept.startswith(PRODUCT) and any(
            start <= hit[0] and hit[1] <= end and end - start > hit[1] - hit[0] for start, end in products
        ):
            continue
        yield hit


def _has_neighbour(forms: Sequence[str], at: int, entry: Entry, vocabulary: Vocabulary) -> bool:
    before = forms[at - 1] if at else ""
    if entry.concept.startswith(PRODUCT):
        return before in vocabulary.words["bare_kinds"]
    after = forms[at + 1] if at + 1 < len(forms) else ""
    return before in vocabulary.words["bare_before"] or after in vocabulary.words["bare_after"]


class _Clauses:
    """Where a sentence's clauses begin, and whether a mention in one is told of."""

    def __init__(self, forms: Sequence[str], vocabulary: Vocabulary) -> None:
        self._forms = forms
        self._words = vocabulary.words
        self._numbers: list[int] = []
        number = 0
        for form in forms:
            if form in self._words["turns"] or not form[0].isalnum():
                number += 1
            self._numbers.append(number)

    def of(self, at: int) -> int:
        return self._numbers[at]

    def tells(self, concept: Concept, start: int, end: int) -> bool:
        if concept.id.startswith((PRODUCT, NAMES)):
            return True
        clause = [at for at, number in enumerate(self._numbers) if number == self._numbers[start]]
        if any(self._forms[at] in self._words["supposing"] for at in clause):
            return False
        if concept.aspect:
            return not any(
                self._forms[at] in self._words["positive"] and not self._is_denied(at)
                for at in clause
                if not start <= at < end
            )
        return not self._is_denied(start)

    def _is_denied(self, at: int) -> bool:
        number = self._numbers[at]
        for back in range(at - 1, max(-1, at - 2 - _REACH), -1):
            if self._numbers[back] != number or self._forms[back] in self._words["stops"]:
                return False
            if self._forms[back] in self._words["denying"]:
                after = self._forms[back + 1]
                return after not in self._words["only"]
        return False


def _concepts(data: Mapping[str, Any]) -> Iterator[Concept]:
    aspects = frozenset(data.get("aspects", "").split())
    for name, row in data["concepts"].items():
        yield Concept(
            name,
            row["phrase"],
            row.get("with"),
            general=row.get("general", False),
            aspect=name in aspects,
            complaint=row.get("of", ""),
            suits=_kinds(row.get("on"), data),
        )
    for name, row in data["products"].items():
        yield Concept(PRODUCT + name, row["name"], plural=row.get("plural", False))
    for name in data["names"]:
        yield Concept(NAMES + name, "")


def _kinds(names: str | None, data: Mapping[str, Any]) -> frozenset[str]:
    """The kinds of product in those groups; all but what cannot be held where none is named."""
    groups: Mapping[str, str] = data["kinds"]
    chosen = [name for name in groups if name != "abstract"] if names is None else names.split()
    return frozenset(kind for name in chosen for kind in groups[name].split())


def _rows(data: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield from data["concepts"].items()
    for name, row in data["products"].items():
        yield PRODUCT + name, row
    for name, patterns in data["names"].items():
        yield NAMES + name, {"words": patterns}


def _patterns(data: Mapping[str, Any]) -> Iterator[str]:
    for _, row in _rows(data):
        yield from row["words"]
        yield from row.get("loose", ())
