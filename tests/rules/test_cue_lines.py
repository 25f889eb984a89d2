from __future__ import annotations

import pytest

from calmreply.analysis import Analysis
from calmreply.classifier.reading import Reading
from calmreply.languages import language_codes, load_language

GROUPS = [(code, name) for code in language_codes() for name in load_language(code).cue_data]


def hits(code: str, name: str, line: str) -> bool:
    """Whether a group hits a line, read as its rule or the classifier reads it."""
    if load_language(code).cue_data[name].get("reviews_only"):
        return bool(Reading(line, load_language(code)).spans(name))
    return Analysis(line, code).has(name)


@pytest.mark.parametrize(("code", "name"), GROUPS)
def test_a_cue_group_keeps_its_example_lines(code: str, name: str) -> None:
    group = load_language(code).cue_data[name]
    wrong = [
        (kind, line)
        for kind, wanted in (("match", True), ("no_match", False))
        for line in group.get(kind, ())
        if hits(code, name, line) is not wanted
    ]
    assert wrong == []


@pytest.mark.parametrize(("code", "name"), GROUPS)
def test_a_cue_group_has_examples_both_ways(code: str, name: str) -> None:
    group = load_language(code).cue_data[name]
    assert group.get("cues")
    assert group.get("match")
    assert group.get("no_match")


def test_the_languages_have_the_same_groups_for_the_form() -> None:
    wanted = {
        "thanks",
        "apology",
        "empathy",
        "question",
        "greeting_line",
        "sign_off",
        "preamble",
        "machine_talk",
    }
    for code in language_codes():
        assert wanted <= set(load_language(code).cue_data)
