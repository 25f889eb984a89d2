"""Fit what a sentence of a reply does to sentences of our own: `python -m evals.acts` (needs scikit-learn).

`evals/training/acts_*.txt` holds them, a line each: the acts, `|`, the sentence, in which `(a|b)` stands
for either. The development replies go with them, sentence by sentence as labelled in
`evals/replies/acts_*.txt`. Five-fold cross-validation, whole lines and whole replies held out, gives the
thresholds and the figures printed.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from calmreply.acts import ACT_CUES, CUES_OF_ACTS, STEPS_PER_UNIT, act_features
from calmreply.analysis import Analysis
from calmreply.concepts import load_vocabulary
from calmreply.languages import load_language
from calmreply.review import Signal
from calmreply.shop import Shop
from calmreply.template_check import plan_shapes
from calmreply.templates import Library, candidates
from evals.fit import grow, noisy, packed
from evals.shops import POLICY

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

HERE = Path(__file__).parent
LANGUAGES = HERE.parent / "src" / "calmreply" / "languages"
SEED = 7
FOLDS = 5
STRENGTH = 25.0
KEPT = 24_000
# The acts whose cues say nothing else, and what a line of a cue's weighs.
ONE_CUE = frozenset({"thanks", "apology", "outsider", "customer", "owned", "argues", "solicits", "liable"})
CUE_WORTH = 1.0
# What no template does, and what one of their sentences weighs.
WRONG = frozenset(
    {"argues", "customer", "solicits", "liable", "asks_public", "discloses", "health", "guarantee"}
)
TEMPLATE_WORTH = 0.5
# What a template's sentence does not do where no cue says so.
OFFERS = frozenset({"refund", "money", "voucher", "gift", "replacement", "redelivery", "free", "repair"})
VOICES: tuple[dict[str, str], ...] = (
    {"formality": "warm"},
    {"formality": "formal"},
    {"formality": "warm", "person": "I"},
    {"formality": "warm", "self_word": "em", "customer_word": "anh/chị"},
    {"formality": "formal", "self_word": "chúng tôi", "customer_word": "quý khách"},
    {"formality": "warm", "self_word": "mình", "customer_word": "bạn"},
)
# What a reply must do: here the threshold is the one that best tells the replies that do not.
REQUIRED = frozenset({"thanks", "apology", "empathy", "asks_order"})
# Variants of a line with alternatives, and how much all of them weigh together beside a plain sentence.
VARIANTS = 5
WORTH = 2.5
# How much a sentence of a labelled reply weighs.
REPLY_WORTH = 1.0
# The training lines are borderline on purpose; for a threshold a real reply's sentence counts that often.
LIKE_REPLIES = 12.0


class Sentences:
    """Every sentence with its features, acts, weight, fold and source.

    `sources` holds the reply's id, `""` for a sentence of the training file, None for another; `only` the
    acts a sentence is told of: it says nothing of the others.
    """

    def __init__(self, language: str) -> None:
        self.features: list[dict[str, float]] = []
        self.acts: list[frozenset[str]] = []
        self.weights: list[float] = []
        self.folds: list[int] = []
        self.sources: list[str | None] = []
        self.only: list[frozenset[str] | None] = []
        self._take_lines(language)
        self._take_cue_lines(language)
        self._take_templates(language)
        for id_, text, acts in read_replies(language):
            fold = sha256(id_.encode()).digest()[0] % FOLDS
            self._take(features_of(text, language), acts, REPLY_WORTH, fold, id_)

    def tells(self, act: str) -> Any:
        """Which sentences say whether they do an act."""
        import numpy as np

        return np.array([only is None or act in only for only in self.only])

    def _take_lines(self, language: str) -> None:
        chance = random.Random(SEED)
        folds = load_language(language).folds
        for acts, line in read_lines(language):
            fold = chance.randrange(FOLDS)
            texts = sorted({grow(line, (), chance) for _ in range(VARIANTS)}) if "|" in line else [line]
            worth = (WORTH if len(texts) > 1 else 1.0) / len(texts) / 2
            for text in texts:
                self._take(features_of(text, language), acts, worth, fold, "")
                if (noise := noisy(text, chance, folds=folds)) != text:
                    self._take(features_of(noise, language), acts, worth, fold, None)

    def _take_cue_lines(self, language: str) -> None:
        """What the cues must and must not match is said of one act."""
        chance = random.Random(SEED)
        groups = load_language(language).cue_data
        for act, names in ACT_CUES.items():
            if act in ONE_CUE:
                for name in names:
                    for key, acts in (("match", frozenset({act})), ("no_match", frozenset())):
                        for text in groups.get(name, {}).get(key, ()):
                            fold = chance.randrange(FOLDS)
                            self._take(
                                features_of(text, language),
                                acts,
                                CUE_WORTH,
                                fold,
                                None,
                                only=frozenset({act}),
                            )

    def _take_templates(self, language: str) -> None:
        """Our own templates do nothing wrong; what a partner did stands in them with the ownership."""
        for text in sorted(template_sentences(language)):
            analysis = Analysis(text, language)
            told = WRONG
            if not (analysis.has("ownership") or analysis.has("blame_partner")):
                told = told | {"outsider"}
            if not any(analysis.has(cue) for act in OFFERS for cue in ACT_CUES[act]):
                told = told | OFFERS
            fold = sha256(text.encode()).digest()[0] % FOLDS
            self._take(features_of(text, language), frozenset(), TEMPLATE_WORTH, fold, None, only=told)

    def _take(
        self,
        features: dict[str, float],
        acts: frozenset[str],
        weight: float,
        fold: int,
        source: str | None,
        only: frozenset[str] | None = None,
    ) -> None:
        self.only.append(only)
        self.features.append(features)
        self.acts.append(acts)
        self.weights.append(weight)
        self.folds.append(fold)
        self.sources.append(source)


def read_lines(language: str) -> Iterator[tuple[frozenset[str], str]]:
    """The acts and the sentence or pattern of every line of the training file."""
    for line in (HERE / "training" / f"acts_{language}.txt").read_text("utf-8").splitlines():
        acts, bar, text = line.partition("|")
        if bar and not line.startswith("#"):
            yield _acts(acts), text.strip()


def read_replies(language: str) -> Iterator[tuple[str, str, frozenset[str]]]:
    """Reply, sentence and acts of every labelled sentence of the development replies."""
    for line in (HERE / "replies" / f"acts_{language}.txt").read_text("utf-8").splitlines():
        id_, bar, rest = line.partition("|")
        acts, second, text = rest.partition("|")
        if bar and second and not line.startswith("#"):
            yield id_.strip(), text.strip(), _acts(acts)


def template_sentences(language: str) -> set[str]:
    """Every sentence of our own templates, as a few shops would have them, about every detail."""
    policy = POLICY[language]
    details: dict[str, list[str]] = {}
    for name, concept in load_vocabulary(language).concepts.items():
        details.setdefault(concept.complaint, []).append(name)
    sentences: set[str] = set()
    for voice in VOICES:
        shop = Shop.model_validate(policy | {"voice": voice})
        library = Library.load(shop)
        for plan in plan_shapes(shop):
            names = [(), *((name,) for name in details.get(plan.complaint, ()))]
            for number, told in enumerate(names if plan.platform == shop.platform else names[:1]):
                for signal in (Signal.THIRD_PARTY, Signal.HOSTILE):
                    update = {"details": told, "signals": plan.signals | {signal}}
                    texts = (text for _, text in candidates(plan.model_copy(update=update), library, "x"))
                    for text in islice(texts, None if not number else 2):
                        sentences.update(
                            text[one.start : one.end] for one in Analysis(text, language).sentences
                        )
    return sentences


def features_of(text: str, language: str) -> dict[str, float]:
    """The features of a text read as one sentence."""
    analysis = Analysis(text, language)
    forms = [token.form for sentence in analysis.sentences for token in sentence.tokens]
    return act_features(forms, {cue for cue in CUES_OF_ACTS if analysis.hits(cue)}) if forms else {}


def fit(language: str) -> dict[str, Any]:
    """The fitted weights of a language, as they are shipped."""
    import numpy as np
    from joblib import Parallel, delayed

    data = Sentences(language)
    matrix, names = _matrix(data.features)
    weights, folds = np.array(data.weights), np.array(data.folds)
    ours = {"lines": np.array([source == "" for source in data.sources])}
    ours["replies"] = np.array([bool(source) for source in data.sources])
    print(
        f"{language}: {len(data.acts)} sentences, {ours['replies'].sum()} of replies, {len(names)} features"
    )
    truths = {act: np.array([act in acts for acts in data.acts]) for act in ACT_CUES}
    fitted = Parallel(n_jobs=-1)(
        delayed(_fitted)(matrix, truth, weights * data.tells(act), folds) for act, truth in truths.items()
    )
    rows, bias, at = [], [], {}
    weighed = weights * (ours["lines"] + LIKE_REPLIES * ours["replies"])
    for (act, truth), (guessed, coefficients, intercept) in zip(truths.items(), fitted, strict=True):
        at[act] = (
            _missed_from(truth, guessed, data.sources)
            if act in REQUIRED
            else _parted(truth, guessed, weighed)[0]
        )
        told = "".join(
            _told(kind, *_parted(truth[those], guessed[those], weights[those]))
            for kind, those in ours.items()
        )
        print(f"  {act:14} from {at[act]:.2f};{told}")
        rows.append(coefficients)
        bias.append(round(intercept, 3))
    table = np.array(rows).T
    kept = np.argsort(-abs(table).max(axis=1))[:KEPT]
    return {
        "acts": list(ACT_CUES),
        "at": at,
        "bias": bias,
        "rows": {
            names[index]: packed(table[index], STEPS_PER_UNIT)
            for index in sorted(kept, key=lambda i: names[i])
        },
    }


def _fitted(matrix: Any, truth: Any, weights: Any, folds: Any) -> tuple[Any, Any, float]:
    """Held-out probabilities, and the weights and bias fitted to everything."""
    import numpy as np

    guessed = np.zeros(len(truth))
    for fold in range(FOLDS):
        learns = folds != fold
        model = _model().fit(matrix[learns], truth[learns], sample_weight=weights[learns])
        guessed[~learns] = model.predict_proba(matrix[~learns])[:, 1]
    model = _model().fit(matrix, truth, sample_weight=weights)
    return guessed, model.coef_[0], float(model.intercept_[0])


def _matrix(features: Sequence[dict[str, float]]) -> tuple[Any, list[str]]:
    from sklearn.feature_extraction import DictVectorizer

    vectors = DictVectorizer()
    matrix = vectors.fit_transform(features)
    # The solver takes no wider indices.
    matrix.indices, matrix.indptr = matrix.indices.astype("int32"), matrix.indptr.astype("int32")
    return matrix, list(map(str, vectors.get_feature_names_out()))


def _model() -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=STRENGTH, max_iter=400, solver="liblinear")


def _parted(truth: Any, guessed: Any, weights: Any) -> tuple[float, float, float, float]:
    """The probability that parts an act best on held-out sentences; F1, precision and recall there."""
    rows = []
    for step in range(2, 39):
        said = guessed >= step / 40
        hits = (weights * (said & truth)).sum()
        precision = hits / max(1e-9, (weights * said).sum())
        recall = hits / max(1e-9, (weights * truth).sum())
        rows.append((step / 40, 2 * precision * recall / max(1e-9, precision + recall), precision, recall))
    highest = max(row[1] for row in rows)
    best = [row for row in rows if row[1] >= highest - 1e-9]
    return best[len(best) // 2]


def _missed_from(truth: Any, guessed: Any, sources: Sequence[str | None]) -> float:
    """The probability below which every sentence of a reply must be for the act to be missing from it."""
    does: dict[str, bool] = {}
    most: dict[str, float] = {}
    for one, guess, source in zip(truth, guessed, sources, strict=True):
        if source:
            does[source] = does.get(source, False) or bool(one)
            most[source] = max(most.get(source, 0.0), float(guess))
    mistakes = {
        step / 40: sum(does[source] != (most[source] >= step / 40) for source in does)
        for step in range(2, 39)
    }
    fewest = [at for at, count in mistakes.items() if count == min(mistakes.values())]
    return fewest[0]  # words that nobody has written yet are told less surely than these


def _told(kind: str, at: float, best: float, precision: float, recall: float) -> str:
    return f"  {kind} F1 {best:.3f} at {at:.2f} (P {precision:.2f} R {recall:.2f})"


def _acts(words: str) -> frozenset[str]:
    return frozenset(words.split()) - {"-"}


def main(argv: Sequence[str] | None = None) -> None:
    """Fit and write the weights of the languages asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--language", nargs="*", default=["en", "vi"])
    for language in parser.parse_args(argv).language:
        file = LANGUAGES / language / "acts.json.gz"
        text = json.dumps(fit(language), ensure_ascii=False, separators=(",", ":"))
        file.write_bytes(gzip.compress(text.encode(), mtime=0))
        print(f"{file.name}: {file.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
