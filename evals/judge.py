"""A model that judges replies: yes or no on sense, naturalness and fit; never trusted unmeasured.

    python -m evals.judge agree --language en vi --out agreement.json
    python -m evals.judge file replies.jsonl -o judged.jsonl
    python -m evals.judge file replies.jsonl -o judged.jsonl --gate agreement.json

The model is any OpenAI-compatible one (--base-url, --model, OPENAI_API_KEY), else the embedded one. `agree`
has it judge the labelled cases of `evals/judge/` and says how far it agrees with them; with --gate it decides
(exit code 1 where a reply fails), and is refused where it agrees too little.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import secrets
import sys
import tomllib
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from calmreply.classifier import detect_language, screen
from calmreply.cli.output import tell, tell_bad_row, tell_error
from calmreply.contacts import mask_private_data
from calmreply.errors import CalmReplyError, InputError, ModelError
from calmreply.model import Message, ModelRequest, is_local, usage_of
from calmreply.reply import Usage
from calmreply.review import Review
from calmreply.settings import Settings, Spending
from calmreply.tables import BadRow, read_rows, write_rows
from calmreply.tokens import estimate_request_tokens
from calmreply.untrusted import as_data
from evals.agreement import Agreement, agreement, load, require_gate, save, table
from evals.cases import HERE
from evals.judge_cases import QUESTIONS, JudgeCase, judge_cases
from evals.models import add_model_options, answered, opened_model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from calmreply.model import Model, ModelAnswer
    from calmreply.tables import Row

__all__ = ["SETTINGS", "Judge", "Verdict", "measured", "only_model", "read_verdict"]

SETTINGS = Settings(temperature=0.0, max_reply_tokens=80)
"""What a judge is asked with: the same answer every time, as far as the model allows."""

_QUESTIONS = HERE / "judge" / "questions.toml"
# Fillers, joiners and variation selectors: letters or marks by their category, and nothing to the eye.
_UNSEEN = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_LONGEST_REPLY = 6_000  # characters; no platform takes a longer one
_LONGEST_REVIEW = 6_000
_LONGEST_REASON = 300
_WORKERS = 2  # what the embedded model answers at once


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """A judge's word on one question.

    Attributes:
        passed: yes or no; None where there is no verdict.
        reason: the judge's own, in a few words; the beginning of an answer that could not be read.
        trouble: why there is no verdict: "unreadable", "cut", "refused", "too_long", "kept_local" (the
            review is at risk and would have left this machine), or the code of a `ModelError`.
        model: as the server names it; None where none was asked.
        usage: what asking took.
    """

    passed: bool | None
    reason: str = ""
    trouble: str | None = None
    model: str | None = None
    usage: Usage = field(default_factory=Usage)


class Judge:
    """Asks a model the questions of `evals/judge/questions.toml` about a reply, one call a question.

    The judged texts cannot address it: they are JSON strings on one line, without characters that nobody
    sees, between lines with a mark that is made up for each reply, and the question comes after them.

    Args:
        model: a sync `Model`.
        settings: tries, temperature and budget.
        mark: makes the mark; for tests.
    """

    def __init__(
        self,
        model: Model,
        settings: Settings = SETTINGS,
        *,
        mark: Callable[[], str] = lambda: secrets.token_hex(8),
    ) -> None:
        self.spending = Spending(settings.budget)
        self._model = model
        self._settings = settings
        self._mark = mark
        self._texts = _texts()
        self.prompt = hashlib.sha256(json.dumps(self._texts, sort_keys=True).encode()).hexdigest()[:12]

    def judge(self, review: Review, reply: str, language: str) -> dict[str, Verdict]:
        """A verdict on every question; nothing that goes wrong counts as a pass.

        Raises:
            InputError: the language is none that can be judged, or the model is an async one.
            ModelError: key, model name or request are wrong, so that nothing could be judged.
            BudgetExceededError: the next call would go over the budget.
        """
        if language not in self._texts["languages"]:
            known = ", ".join(self._texts["languages"])
            raise InputError(f"the judge has no questions for {language!r}", hint=f"it has {known}")
        if len(reply) > _LONGEST_REPLY or len(review.text) > _LONGEST_REVIEW:
            return dict.fromkeys(QUESTIONS, Verdict(passed=None, trouble="too_long"))
        if not is_local(self._model) and screen(review.text).keep_local:
            return dict.fromkeys(QUESTIONS, Verdict(passed=None, trouble="kept_local"))
        mark = self._mark()
        return {name: self._asked(self.request(name, review, reply, language, mark)) for name in QUESTIONS}

    def request(self, question: str, review: Review, reply: str, language: str, mark: str) -> ModelRequest:
        """What the model is asked; the texts come first, so a server reads them once for all questions."""
        told = review.text if is_local(self._model) else mask_private_data(review.text)
        texts = as_data({"review": _seen(told), "reply": _seen(reply)})
        asked = self._texts["questions"][question].replace("{language}", self._texts["languages"][language])
        # The texts last: nothing in them is filled in.
        shown = self._texts["shown"].replace("{mark}", mark).replace("{question}", asked)
        return ModelRequest(
            messages=(
                Message(role="system", content=self._texts["system"].strip()),
                Message(role="user", content=shown.replace("{texts}", texts).strip()),
            ),
            max_tokens=self._settings.max_reply_tokens,
        )

    def _asked(self, request: ModelRequest) -> Verdict:
        reservation = self.spending.reserve(tokens=estimate_request_tokens(request))
        try:
            answer = answered(self._model, request)
        except ModelError as error:
            reservation.settle(error.usage)
            if not (error.retryable or error.code == "model_refused"):
                raise
            return Verdict(passed=None, trouble=error.code, usage=error.usage or Usage())
        usage = usage_of(answer, self._settings)
        reservation.settle(usage)
        passed, reason, trouble = _read(answer)
        return Verdict(passed=passed, reason=reason, trouble=trouble, model=answer.model, usage=usage)


def read_verdict(text: str) -> tuple[bool, str] | None:
    """Yes or no and the reason from a judge's answer; None where it is not exactly one of both.

    >>> read_verdict('{"reason": "the item is another", "answer": "no"}')
    (False, 'the item is another')
    >>> read_verdict("Yes.")
    (True, '')
    >>> read_verdict("Yes, I think so.")
    """
    if (bare := _yes_or_no(text.strip().removesuffix("."))) is not None:
        return bare, ""
    start, end = text.find("{"), text.rfind("}")
    try:
        said = json.loads(text[start : end + 1], object_pairs_hook=_once)
    except (ValueError, RecursionError):
        return None
    passed = _yes_or_no(said.get("answer")) if isinstance(said, dict) else None
    return None if passed is None else (passed, str(said.get("reason", ""))[:_LONGEST_REASON])


def _yes_or_no(word: object) -> bool | None:
    return {"yes": True, "no": False}.get(word.strip().casefold()) if isinstance(word, str) else None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys stand once: two answers are none."""
    if len(dict(pairs)) < len(pairs):
        raise ValueError
    return dict(pairs)


def _read(answer: ModelAnswer) -> tuple[bool | None, str, str | None]:
    if answer.refusal is not None or answer.finish_reason == "content_filter":
        return None, "", "refused"
    if answer.finish_reason == "length":
        return None, "", "cut"
    text = answer.text or ""
    found = read_verdict(text)
    return (*found, None) if found else (None, text[:_LONGEST_REASON], "unreadable")


def _seen(text: str) -> str:
    """A text without what nobody sees: controls but line ends, formats, tags, unassigned characters."""
    shown = _UNSEEN.sub("", text)
    return "".join(char for char in shown if char in "\n\t" or unicodedata.category(char)[0] != "C")


@lru_cache(maxsize=1)
def _texts() -> dict[str, Any]:
    return tomllib.loads(_QUESTIONS.read_text("utf-8"))


def measured(judge: Judge, cases: Sequence[JudgeCase]) -> tuple[list[Agreement], list[dict[str, Verdict]]]:
    """The judge's agreement with the cases of one language, a question each, and its verdicts, case by case.

    Raises:
        InputError: there are no cases, or in several languages.
        ModelError: see `Judge.judge`.
    """
    if len({case.language for case in cases}) != 1:
        raise InputError("agreement is measured on cases of one language", hint="call it once a language")
    with ThreadPoolExecutor(_WORKERS) as pool:
        verdicts = list(pool.map(lambda case: judge.judge(case.review, case.reply, case.language), cases))
    model = only_model(verdicts)
    found = [
        agreement(
            [
                (case.labels[name], one[name].passed)
                for case, one in zip(cases, verdicts, strict=True)
                if name in case.labels
            ],
            model=model,
            prompt=judge.prompt,
            question=name,
            language=cases[0].language,
        )
        for name in QUESTIONS
    ]
    return found, verdicts


def only_model(verdicts: Sequence[Mapping[str, Verdict]]) -> str:
    """The one model that gave all verdicts; "unknown" where none was asked.

    Raises:
        InputError: they come from several.
    """
    names = {one.model for verdict in verdicts for one in verdict.values() if one.model}
    if len(names) > 1:
        raise InputError(f"the server answered as {len(names)} models", hint="name one that stays the same")
    return names.pop() if names else "unknown"


def main(argv: Sequence[str] | None = None) -> int:
    """Run it; returns 0, 1 where a gate fails a reply, 2 where nothing was done, 3 with bad rows."""
    options = _options(argv)
    try:
        with opened_model(options, SETTINGS) as (model, settings):
            judge = Judge(model, settings)
            code = _agree(judge, options) if options.command == "agree" else _judge_file(judge, options)
    except CalmReplyError as error:
        tell_error(error)
        return 2
    spent = judge.spending.usage
    tell(f"{spent.requests} calls, {spent.prompt_tokens} + {spent.completion_tokens} tokens")
    return code


def _agree(judge: Judge, options: argparse.Namespace) -> int:
    if options.limit and options.out:
        raise InputError("a gate rests on all labelled cases", hint="leave out --limit, or --out")
    found: list[Agreement] = []
    for language in options.language:
        cases = judge_cases(language)[: options.limit]
        agreements, verdicts = measured(judge, cases)
        found += agreements
        if options.show:
            _show(cases, verdicts)
    said = f"Judge: {found[0].model}, questions {judge.prompt}\n\n{table(found)}"
    print(said)
    if options.out:
        save(found, options.out)
    if options.results:
        from evals.report import written

        written(options.results, {"judge": said})
    return 0


def _show(cases: Sequence[JudgeCase], verdicts: Sequence[Mapping[str, Verdict]]) -> None:
    """Print the verdicts that differ from the label, and those that are missing."""
    for case, one in zip(cases, verdicts, strict=True):
        for name, label in case.labels.items():
            if one[name].passed is not label:
                said = one[name].trouble or f"{one[name].passed}, {one[name].reason}"
                print(f"{case.id} {name}: labelled {label} ({case.kind}); judged {said}")


def _judge_file(judge: Judge, options: argparse.Namespace) -> int:
    allowed = load(options.gate) if options.gate else None
    rows = list(read_rows(options.input))
    good = [row for row in rows if not isinstance(row, BadRow) and row.values.get("reply")]
    for number in sorted({row.number for row in rows} - {row.number for row in good}):
        tell_bad_row(number, "it cannot be read, or holds no reply")
    if not good:
        raise InputError(f"there are no replies in {options.input!r}", hint="a column `reply` holds them")
    failed = 0
    with write_rows(options.output, source=options.input) as writer:
        for row in _judged(judge, good, allowed):
            failed += not row["passed"]
            writer.write(row)
    tell(f"{len(good)} replies judged: {len(good) - failed} pass every question, {failed} do not")
    if len(good) < len(rows):
        return 3
    return int(bool(allowed is not None and failed))


def _judged(
    judge: Judge, rows: Sequence[Row], allowed: Sequence[Agreement] | None
) -> Iterator[dict[str, object]]:
    """A row of verdicts for each reply; refused at the first that `allowed` does not let it decide."""

    def judged(row: Row) -> tuple[str, dict[str, Verdict]]:
        values = {key: value for key, value in row.values.items() if key not in {"reply", "plan"}}
        reply, plan = row.values["reply"], row.values.get("plan") or {}
        language = str(plan.get("language") or detect_language(reply))
        return language, judge.judge(Review.model_validate(values), reply, language)

    with ThreadPoolExecutor(_WORKERS) as pool:
        for row, (language, verdicts) in zip(rows, pool.map(judged, rows), strict=True):
            if allowed is not None and any(one.model for one in verdicts.values()):
                require_gate(allowed, model=only_model([verdicts]), prompt=judge.prompt, language=language)
            yield {
                "id": row.values["id"],
                "passed": all(one.passed for one in verdicts.values()),
                **{name: one.passed for name, one in verdicts.items()},
                "reasons": {name: one.reason for name, one in verdicts.items() if one.reason},
                "trouble": {name: one.trouble for name, one in verdicts.items() if one.trouble},
            }


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    agree = commands.add_parser("agree", help="measure the agreement with the labelled cases")
    agree.add_argument("--language", nargs="+", default=["en", "vi"])
    agree.add_argument("--limit", type=int, help="only so many cases of each")
    agree.add_argument("--out", type=Path, help="where the agreement is kept, for --gate")
    agree.add_argument("--results", type=Path, help="also write the table between a page's markers")
    agree.add_argument("--show", action="store_true", help="print where judge and labels differ")
    judged = commands.add_parser("file", help="judge the replies of a file")
    judged.add_argument("input", metavar="IN", help="rows as `calmreply check` reads them")
    judged.add_argument("-o", "--output", metavar="OUT", default="-")
    judged.add_argument("--gate", type=Path, metavar="AGREEMENT", help="decide, if the agreement allows it")
    for one in (agree, judged):
        add_model_options(one)
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
