"""What sentences do: the model, its training lines, and what holds where there is none."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from calmreply import sentence_reading
from calmreply.acts import ACT_CUES, CUES_OF_ACTS, ActModel, act_features, load_act_model
from calmreply.analysis import Analysis
from calmreply.languages import language_codes, load_language
from calmreply.sentence_reading import forget, read_sentence

EVALS = Path(__file__).parents[1] / "evals"
MORE_ACTS = {"vague"}  # labelled, but no rule asks for it

DOES = [
    ("en", "argues", "With respect, that is simply not what happened at our counter."),
    ("en", "outsider", "The depot mislaid your box for a week, hence the delay."),
    ("en", "owned", "We picked that courier, so this one is on us."),
    ("en", "solicits", "Once it works, maybe you will give those stars a second look."),
    ("en", "refund", "The whole amount will be back with you by Friday."),
    ("en", "empathy", "Nobody wants to spend a birthday glueing a vase."),
    ("vi", "argues", "Bạn nói vậy là oan cho shop quá."),
    ("vi", "outsider", "Bưu cục để quên kiện hàng cả tuần nên mới trễ."),
    ("vi", "owned", "Bên vận chuyển là do shop chọn nên shop xin chịu trách nhiệm."),
    ("vi", "solicits", "Xong rồi bạn vào chỉnh lại số sao giúp shop nhé."),
    ("vi", "refund", "Shop chuyển lại đủ tiền cho bạn trong ba ngày."),
    ("vi", "empathy", "Háo hức chờ mà mở ra lại hư thì ai cũng hụt hẫng."),
]
DOES_NOT = [
    ("en", "argues", "We cannot offer that here, and we understand if that is not what you hoped for."),
    ("en", "outsider", "Our records show that it left us on 3 May."),
    ("en", "solicits", "One star tells us that we let you down."),
    ("en", "refund", "You have been waiting for your refund for two weeks."),
    ("vi", "argues", "Mẫu này shop chưa đổi được, mong bạn thông cảm."),
    ("vi", "outsider", "Theo ghi nhận thì đơn rời kho ngày 3/5."),
    ("vi", "solicits", "Một sao này nhắc shop phải làm kỹ hơn."),
]


@pytest.mark.parametrize(("language", "act", "sentence"), DOES)
def test_a_sentence_does_it(language: str, act: str, sentence: str) -> None:
    assert Analysis(sentence, language).acting(act)


@pytest.mark.parametrize(("language", "act", "sentence"), DOES_NOT)
def test_a_sentence_only_sounds_like_it(language: str, act: str, sentence: str) -> None:
    assert not Analysis(sentence, language).acting(act)


@pytest.mark.parametrize("language", language_codes())
def test_every_language_has_a_model_of_every_act(language: str) -> None:
    model = load_act_model(language)
    assert model is not None
    assert model.acts == tuple(ACT_CUES)
    assert all(0.0 < at < 1.0 for at in model.at)


@pytest.mark.parametrize("language", language_codes())
def test_every_cue_of_an_act_is_there(language: str) -> None:
    known = set(load_language(language).cue_data)
    assert {name for names in ACT_CUES.values() for name in names if name in known}
    every = set().union(*(load_language(code).cue_data for code in language_codes()))
    assert every >= CUES_OF_ACTS


def test_saying_a_word_again_makes_no_act_stronger() -> None:
    model = load_act_model("en")
    assert model is not None
    once = model.strengths(["we", "will", "refund", "you", "very", "soon"], ())
    often = model.strengths(["we", "will", "refund", "you", "very", "very", "very", "very", "soon"], ())
    assert often["refund"] == pytest.approx(once["refund"], rel=0.5)


def test_strength_is_a_share_of_the_probability_that_counts() -> None:
    data = {"acts": ["thanks"], "at": {"thanks": 0.5}, "bias": [0.0], "rows": {"#thanks": chr(78 + 40)}}
    model = ActModel(data)
    assert model.strengths(["well"], ())["thanks"] == pytest.approx(1.0)
    assert model.strengths(["well"], ("thanks",))["thanks"] > 1.0


def test_features_are_those_that_the_model_counts() -> None:
    features = act_features(["shop", "xin", "lỗi"], ("apology", "no such cue"))
    assert {"loi", "=lỗi", "xin loi", "^ shop", "loi $", "#apology"} <= set(features)
    assert "#no such cue" not in features
    assert sum(value**2 for name, value in features.items() if name[0] != "#") <= 1.0 + 1e-9


def test_without_a_model_the_cues_speak_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sentence_reading, "load_act_model", lambda _code: None)
    forget()
    try:
        acts = read_sentence("Thank you for telling us.", "en").acts
        assert acts["thanks"] == 1.0
        assert acts["argues"] == 0.0
    finally:
        forget()


def test_a_language_of_no_model_has_none() -> None:
    assert load_act_model("xx") is None


def test_a_sentence_is_read_once() -> None:
    assert read_sentence("We are sorry.", "en") is read_sentence("We are sorry.", "en")
    long = "very " * 200 + "sorry."
    assert read_sentence(long, "en") is not read_sentence(long, "en")


@pytest.mark.parametrize("language", language_codes())
def test_the_training_lines_name_known_acts(language: str) -> None:
    acts = {*ACT_CUES, *MORE_ACTS}
    lines = (EVALS / "training" / f"acts_{language}.txt").read_text("utf-8").splitlines()
    told = [line.partition("|") for line in lines if not line.startswith("#")]
    assert len(told) > 5000
    for names, bar, text in told:
        assert bar, names
        assert text.strip(), names
        assert set(names.split()) - {"-"} <= acts, text
        assert not re.search(r"\([^)]*\(", text), text


@pytest.mark.parametrize("language", language_codes())
def test_no_sentence_of_the_test_replies_is_fitted_to(language: str) -> None:
    known = {
        json.loads(line)["id"]
        for path in (EVALS / "replies").glob(f"{language}*.jsonl")
        for line in path.read_text("utf-8").splitlines()
    }
    lines = (EVALS / "replies" / f"acts_{language}.txt").read_text("utf-8").splitlines()
    ids = {line.partition("|")[0].strip() for line in lines if not line.startswith("#")}
    assert ids <= known
    assert any("-u-" in id_ for id_ in known)
    assert not any("-u-" in id_ for id_ in ids)
