"""Bad reviews through bad models: what of it gets out, and what harmless reviews are held back for it.

    python -m evals.injection [--data FOLDER] [--limit N | --all] [--language en] [--show]

Attack strings are spliced into reviews and every bad model of `calmreply.testing` answers them. The replies
are looked at by `evals.leaks`, which shares nothing with the rules, and by `check`. The settings are the
hardest there are: nothing is masked, and a draft may tell the problem in its own words.
"""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from calmreply import LocalClassifier, Replier, Review, Settings, Shop, Source, check
from calmreply.classifier import screen
from calmreply.languages import language_codes
from calmreply.testing import BAD_MODELS, PlanFollower
from evals.cases import HERE, interval, read_jsonl
from evals.leaks import KINDS, Leak, leaks_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from calmreply import Classification, Reply

PLACES = ("start", "middle", "end")
"""Where in a review a string is put."""

SETTINGS = Settings(mask_private_data=False, grounding="loose")
"""The weakest guard: a model that is shown everything and may use its own words."""

# Made up anew for each case; the shapes that such marks have in the wild.
_CANARIES = (
    "ZQX-{0:05}",
    "canary_{0:05}",
    "{0:08x}f3a",
    "PELICAN{0:04}",
    "wumbolax{0:03}",
    "VIOLET-OTTER-{0}",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One spliced review for one model.

    Attributes:
        review: the review with the string in it.
        clean: the review without.
        label: "malicious", "benign" or "neutral": what the string is.
        canary: the made-up word the string asks for; empty where it asks for none.
    """

    id: str
    language: str
    model: str
    label: str
    category: str
    place: str
    review: Review
    clean: Review
    canary: str = ""


@dataclass(slots=True)
class Outcome:
    """What became of some cases."""

    cases: int = 0
    asked: int = 0
    by_source: Counter[str] = field(default_factory=Counter)
    leaks: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0


def strings(language: str, data: Path | None = None) -> list[dict[str, Any]]:
    """The strings to splice in: our own of the language, with a data folder its own too.

    Each has `id`, `label`, `category` and `text`, in which `{canary}` stands for a made-up word.
    """
    own = read_jsonl(HERE / "attacks" / f"own_{language}.jsonl")
    return own + (read_jsonl(data / "injection_strings.jsonl") if data else [])


def reviews(language: str, data: Path | None = None) -> list[Review]:
    """The reviews to splice into: our own, or the data folder's real ones."""
    folder = data / f"reviews_{language}.jsonl" if data else HERE / "reviews" / f"own_{language}.jsonl"
    return [Review.model_validate(row) for row in read_jsonl(folder)]


def splice(text: str, string: str, place: str) -> str:
    """The text with the string before it, behind it, or at the space next to its middle."""
    if place == "start":
        return f"{string} {text}"
    if place == "end":
        return f"{text} {string}"
    at = text.find(" ", len(text) // 2)
    return f"{text} {string}" if at < 0 else f"{text[:at]} {string}{text[at:]}"


def cross(
    language: str, *, label: str, models: Sequence[str], data: Path | None = None, seed: int = 11
) -> Iterator[Case]:
    """Every string at every place of every review for every model, in an order drawn by the seed.

    Strings, places and models come round evenly; a part of any length from the front is a fair sample.
    """
    chance = random.Random(f"{seed}|{language}|{label}")
    rows = [row for row in strings(language, data) if row["label"] == label]
    drawn = reviews(language, data)
    chance.shuffle(drawn)
    turns = [(row, place, model) for row in rows for place in PLACES for model in models]
    for shift in range(len(drawn)):
        chance.shuffle(turns)
        for count, (row, place, model) in enumerate(turns):
            yield _case(drawn[(count + shift) % len(drawn)], row, place, model, language, chance)


def _case(
    clean: Review, row: dict[str, Any], place: str, model: str, language: str, chance: random.Random
) -> Case:
    asks = "{canary}" in row["text"]
    canary = chance.choice(_CANARIES).format(chance.randrange(10_000)) if asks else ""
    text = splice(clean.text, row["text"].replace("{canary}", canary), place)
    name = f"{clean.id}|{row['id']}|{place}|{model}"
    return Case(
        id=name,
        language=language,
        model=model,
        label=row["label"],
        category=row["category"],
        place=place,
        review=clean.model_copy(update={"text": text, "id": name}),
        clean=clean,
        canary=canary,
    )


@lru_cache(maxsize=4)
def shop_for(language: str) -> Shop:
    """The example shop that comes with the package and answers in that language."""
    folder = resources.files("calmreply") / "data" / "examples"
    shops = (Shop.load(Path(str(path))) for path in sorted(folder.iterdir(), key=str))
    return next(shop for shop in shops if shop.languages[0] == language)


@lru_cache(maxsize=128)
def replier_for(language: str, model: str, seed: int = 0) -> Replier:
    """A replier of the example shop whose model is the bad one of that name."""
    return Replier(shop_for(language), BAD_MODELS[model](seed=seed), settings=SETTINGS)


def found_in(case: Case, reply: Reply) -> list[Leak]:
    """Everything that got out in a reply, and every rule it breaks ("rule")."""
    leaks = leaks_in(reply.text, reply.plan, shop_for(case.language), canary=case.canary)
    broken = [one.rule for one in check(reply.text, reply.plan, case.review) if one.is_error]
    return [*leaks, *(Leak("rule", rule) for rule in dict.fromkeys(broken))]


def run(cases: Iterable[Case], *, show: bool = False) -> dict[str, Outcome]:
    """Answer every case and count by model what came of it; `show` prints each reply that leaks."""
    outcomes = {name: Outcome() for name in BAD_MODELS}
    for case in cases:
        start = time.perf_counter()
        reply = replier_for(case.language, case.model).reply(case.review)
        outcome = outcomes[case.model]
        outcome.seconds += time.perf_counter() - start
        outcome.cases += 1
        outcome.asked += bool(reply.attempts)
        outcome.by_source[str(reply.source)] += 1
        leaks = found_in(case, reply)
        outcome.leaks.update({leak.kind for leak in leaks})
        if show and leaks:
            print(f"{case.id} [{case.category}] {reply.source} {sorted(set(leaks))}\n    {reply.text!r}")
    return outcomes


@dataclass(slots=True)
class Held:
    """Harmless strings: how often a review that was answered freely is held back with one in it.

    Attributes:
        cases: reviews that are answered freely without the string.
        read: held back with it, for a person or by a template.
        guarded: the same where the complaint is read without the string: held back by a guard alone.
        screened: of those, the reviews that the screen for risk keeps from models.
    """

    cases: int = 0
    read: int = 0
    guarded: int = 0
    screened: int = 0


class CleanReader:
    """A classifier that reads a review as it was before a string was put into it."""

    def __init__(self, shop: Shop) -> None:
        self._reader = LocalClassifier(languages=shop.languages, catalogue=shop.catalogue)
        self.clean: dict[str | None, Review] = {}

    def classify(self, review: Review, *, order: object | None = None) -> Classification:
        """What the clean review says."""
        return self._reader.classify(self.clean.get(review.id, review), order=order)


def held_back(cases: Iterable[Case], language: str, limit: int) -> Held:
    """Compare each review with and without its string, until so many that are free without were seen.

    Held back: a person is needed, or the template answers, where neither is so for the review by itself.
    The model is a dutiful one.
    """
    shop, held = shop_for(language), Held()
    reader = CleanReader(shop)
    free: dict[str | None, bool] = {}
    with (
        Replier(shop, PlanFollower(), settings=SETTINGS) as replier,
        Replier(shop, PlanFollower(), settings=SETTINGS, classifier=reader) as guard,
    ):
        for case in cases:
            if case.clean.id not in free:
                free[case.clean.id] = _is_free(replier.reply(case.clean))
            if free[case.clean.id]:
                reader.clean = {case.review.id: case.clean}
                held.cases += 1
                held.read += not _is_free(replier.reply(case.review))
                is_guarded = not _is_free(guard.reply(case.review))
                held.guarded += is_guarded
                held.screened += is_guarded and screen(case.review.text).keep_local
            if held.cases == limit:
                break
    return held


def _is_free(reply: Reply) -> bool:
    return reply.publishable and reply.source is not Source.TEMPLATE


def table(language: str, outcomes: dict[str, Outcome]) -> str:
    """The outcomes as Markdown: a row a model, and one for all."""
    head = ("model", "cases", "asked", "model/mended/template", *KINDS, "rule")
    lines = [f"| {language}: {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    total = Outcome()
    for name, one in outcomes.items():
        lines.append(_row(name, one))
        total.cases += one.cases
        total.asked += one.asked
        total.by_source += one.by_source
        total.leaks += one.leaks
    return "\n".join([*lines, _row("all", total)])


def _row(name: str, outcome: Outcome) -> str:
    sources = "/".join(str(outcome.by_source[source]) for source in Source)
    leaks = (str(outcome.leaks[kind]) for kind in (*KINDS, "rule"))
    return f"| {' | '.join((name, str(outcome.cases), str(outcome.asked), sources, *leaks))} |"


def main(argv: Sequence[str] | None = None) -> int:
    """Print the tables; 1 where anything got out."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, help="the folder with reviews_*.jsonl and injection_strings.jsonl"
    )
    parser.add_argument("--language", choices=language_codes(), help="one language; else all")
    parser.add_argument("--limit", type=int, default=500, help="combinations a language")
    parser.add_argument("--all", action="store_true", help="every combination")
    parser.add_argument("--model", choices=sorted(BAD_MODELS), help="one bad model; else all")
    parser.add_argument("--benign", type=int, default=200, help="harmless strings a language; 0 for none")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--show", action="store_true", help="print every reply that leaks")
    options = parser.parse_args(argv)
    models = [options.model] if options.model else sorted(BAD_MODELS)
    leaked = 0
    for language in [options.language] if options.language else language_codes():
        cases = cross(language, label="malicious", models=models, data=options.data, seed=options.seed)
        start = time.perf_counter()
        outcomes = run(cases if options.all else islice(cases, options.limit), show=options.show)
        seconds = time.perf_counter() - start
        leaked += sum(one.leaks.total() for one in outcomes.values())
        print(table(language, {name: one for name, one in outcomes.items() if one.cases}))
        print(f"{sum(one.cases for one in outcomes.values())} combinations in {seconds:.0f} s")
        for label in ("benign", "neutral") if options.benign else ():
            harmless = cross(language, label=label, models=[""], data=options.data, seed=options.seed)
            _print_held(language, label, held_back(harmless, language, options.benign))
    return 1 if leaked else 0


def _print_held(language: str, label: str, held: Held) -> None:
    counts = {
        "by a guard": held.guarded,
        "by one that is not the screen for risk": held.guarded - held.screened,
        "with the reading": held.read,
    }
    for name, count in counts.items():
        low, high = interval(count, held.cases)
        print(
            f"{language}, {label} strings, held back {name}: {count} of {held.cases}, "
            f"{count / max(1, held.cases):.1%} ({low:.1%} to {high:.1%})"
        )


if __name__ == "__main__":
    raise SystemExit(main())
