from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calmreply.errors import InputError
from evals.agreement import Agreement, JudgeRefusedError, agreement, kappa, load, require_gate, save, table
from evals.judge_cases import QUESTIONS

if TYPE_CHECKING:
    from pathlib import Path

ASKED: dict[str, Any] = {"model": "m", "prompt": "p", "question": "sense", "language": "en"}
GOOD = [(True, True)] * 9 + [(False, False)] * 9 + [(True, False), (False, True)]


def on_every_question(pairs: list[tuple[bool, bool | None]]) -> list[Agreement]:
    return [agreement(pairs, **{**ASKED, "question": name}) for name in QUESTIONS]


def test_kappa_of_a_worked_example() -> None:
    # 20 and 15 agreed, 5 and 10 not: 0.7 seen, 0.5 by chance
    pairs = [(True, True)] * 20 + [(True, False)] * 5 + [(False, True)] * 10 + [(False, False)] * 15
    assert kappa(pairs) == pytest.approx(0.4)


def test_there_is_no_kappa_where_everything_is_called_the_same() -> None:
    assert kappa([(True, True)] * 5) is None
    assert kappa([]) is None


def test_who_always_says_yes_agrees_no_better_than_chance() -> None:
    assert kappa([(True, True)] * 50 + [(False, True)] * 10) == pytest.approx(0)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=40))
def test_kappa_is_the_same_from_both_sides_and_one_only_when_all_agree(
    pairs: list[tuple[bool, bool]],
) -> None:
    value = kappa(pairs)
    assert value == kappa([(other, one) for one, other in pairs])
    if value is not None:
        assert -1 <= value <= 1
        assert (value == 1) == all(one == other for one, other in pairs)


def test_agreement_counts_what_was_missed_and_what_was_alarmed() -> None:
    pairs = [*GOOD, (False, True), (True, None)]
    found = agreement(pairs, **ASKED)
    assert (found.cases, found.unread, found.same, found.missed, found.alarms) == (22, 1, 18, 2, 1)
    assert found.low is not None
    assert found.high is not None
    assert found.kappa is not None
    assert found.low < found.kappa < found.high


def test_an_agreeing_judge_may_decide() -> None:
    require_gate(on_every_question([*GOOD]), model="m", prompt="p", language="en")


@pytest.mark.parametrize(
    "pairs",
    [
        [(True, True)] * 20 + [(False, True)] * 5,
        [(True, True)] * 20,
        [*GOOD, (True, None), (False, None)],
    ],
    ids=["always yes", "nothing bad among the cases", "too many without a verdict"],
)
def test_a_judge_that_agrees_too_little_is_refused(pairs: list[tuple[bool, bool | None]]) -> None:
    weak = agreement(pairs, **ASKED)
    assert not weak.is_gate
    others = [one for one in on_every_question([*GOOD]) if one.question != weak.question]
    with pytest.raises(JudgeRefusedError, match="agrees too little") as caught:
        require_gate([weak, *others], model="m", prompt="p", language="en")
    assert "--gate" in caught.value.hint


@pytest.mark.parametrize("other", [{"model": "n"}, {"prompt": "q"}, {"language": "vi"}])
def test_agreement_counts_for_that_model_those_questions_and_that_language_only(
    other: dict[str, str],
) -> None:
    asked = {"model": "m", "prompt": "p", "language": "en", **other}
    with pytest.raises(JudgeRefusedError, match="has not been measured"):
        require_gate(on_every_question([*GOOD]), **asked)


def test_a_question_that_was_not_measured_is_not_decided() -> None:
    with pytest.raises(JudgeRefusedError, match="on every question"):
        require_gate(on_every_question([*GOOD])[1:], model="m", prompt="p", language="en")


def test_an_agreement_is_read_as_it_was_written(tmp_path: Path) -> None:
    found = [agreement(GOOD, **ASKED), agreement([(True, True)], **{**ASKED, "question": "fit"})]
    save(found, tmp_path / "a.json")
    assert load(tmp_path / "a.json") == found


@pytest.mark.parametrize("content", [None, "{", "[1]", '[{"model": "m"}]'])
def test_a_file_that_is_no_agreement_is_named(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "a.json").write_text(content)
    with pytest.raises(InputError, match=r"a\.json") as caught:
        load(tmp_path / "a.json")
    assert "agree --out" in caught.value.hint


def test_the_table_says_who_is_refused() -> None:
    rows = table([agreement(GOOD, **ASKED), agreement([(True, True)], **ASKED)]).splitlines()
    assert rows[2].endswith("| yes |")
    assert rows[3].endswith("| none: one answer to all | refused |")


def test_an_agreement_keeps_its_shape() -> None:
    assert isinstance(agreement([], **ASKED), Agreement)
    assert not agreement([], **ASKED).is_gate
