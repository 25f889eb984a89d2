"""Splitting the requests of a round over files, and joining what files answer, whatever the order."""

from __future__ import annotations

import json
import random
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from batch_stand_in import answer_line, error_line, status_line
from hypothesis import given, settings
from hypothesis import strategies as st

from calmreply import InputError, ModelAnswer, ModelRefusedError, ModelResponseError, ModelServerError
from calmreply.batch_answers import Answers, CustomId, read_line
from calmreply.batch_files import BatchFolder, Manifest, PartLimits, RequestWriter
from calmreply.wire import Dialect

KEYS = [f"{number:032x}" for number in range(8)]


@settings(max_examples=60)
@given(
    sizes=st.lists(st.integers(0, 400), max_size=40),
    rows=st.integers(1, 10),
    size_bytes=st.integers(600, 2000),
)
def test_requests_keep_their_order_and_fill_files_to_their_limits(
    sizes: list[int], rows: int, size_bytes: int
) -> None:
    with tempfile.TemporaryDirectory() as path, BatchFolder(path) as folder:
        folder.manifest = Manifest(header={}, limits=PartLimits(rows=rows, size_bytes=size_bytes))
        with RequestWriter(folder, 1) as writer:
            for at, size in enumerate(sizes):
                writer.write(f"{at:032x}", 1, {"text": "ầ" * (size // 3)})
        files = [folder.requests_path(part).read_bytes().splitlines(keepends=True) for part in writer.parts]
        names = [CustomId.read(json.loads(line)["custom_id"]) for lines in files for line in lines]
        assert [int(name.key, 16) for name in names if name] == list(range(len(sizes)))
        assert [part.rows for part in writer.parts] == [len(lines) for lines in files]
        assert all(0 < len(lines) <= rows and len(b"".join(lines)) <= size_bytes for lines in files)
        for one, other in pairwise(files):  # no file ends before it has to
            assert len(one) == rows or len(b"".join(one)) + len(other[0]) > size_bytes
        for part, lines in zip(writer.parts, files, strict=True):
            assert all(CustomId.read(json.loads(line)["custom_id"])[2:] == (1, part.number) for line in lines)  # type: ignore[index]


def test_a_request_larger_than_a_file_is_an_error() -> None:
    with tempfile.TemporaryDirectory() as path, BatchFolder(path) as folder:
        folder.manifest = Manifest(header={}, limits=PartLimits(size_bytes=200))
        with RequestWriter(folder, 1) as writer, pytest.raises(InputError, match="larger than a file"):
            writer.write(KEYS[0], 1, {"text": "x" * 200})


@given(st.text(alphabet="0123456789abcdef", min_size=32, max_size=32), *[st.integers(1, 99_999)] * 3)
def test_a_custom_id_is_read_back(key: str, draft: int, round_number: int, part: int) -> None:
    name = CustomId(key, draft, round_number, part)
    assert CustomId.read(str(name)) == name
    assert len(str(name)) <= 64


@pytest.mark.parametrize("value", [None, 7, "", "request-1", f"{KEYS[0]}.0.1.001", f"{KEYS[0]}.1.1.001\n"])
def test_what_is_no_custom_id_of_ours_is_none(value: object) -> None:
    assert CustomId.read(value) is None


LINES = st.lists(
    st.tuples(
        st.sampled_from(KEYS), st.integers(1, 2), st.sampled_from(["answer", "expired", "filter", "missing"])
    ),
    max_size=30,
)


def line_of(key: str, draft: int, kind: str) -> dict[str, Any]:
    name = str(CustomId(key, draft, 1, 1))
    if kind == "answer":
        return answer_line(name, f"{key} {draft}")
    return error_line(name) if kind == "expired" else status_line(name, 400, code="content_filter")


@settings(max_examples=60)
@given(lines=LINES, files=st.integers(1, 3), seed=st.integers(), junk=st.binary(max_size=30))
def test_joining_takes_the_best_line_of_each_draft_in_any_order(
    lines: list[tuple[str, int, str]], files: int, seed: int, junk: bytes
) -> None:
    kept = [one for one in lines if one[2] != "missing"]
    shuffled = kept * 2
    random.Random(seed).shuffle(shuffled)
    with tempfile.TemporaryDirectory() as folder, Answers(Dialect()) as answers:
        for number in range(files):
            content = b"".join(json.dumps(line_of(*one)).encode() + b"\n" for one in shuffled[number::files])
            path = Path(folder) / f"{number}.jsonl"
            path.write_bytes(content + junk.replace(b"\n", b""))
            answers.add(path)
        found = {key: answers.history(key) for key in KEYS}
    for key, history in found.items():
        kinds = [{one[2] for one in kept if one[:2] == (key, draft)} for draft in (1, 2)]
        expected: list[object] = []
        for draft, said in enumerate(kinds, start=1):
            if "answer" in said:
                expected.append(f"{key} {draft}")
            elif "filter" in said:
                expected.append(ModelRefusedError)
            else:
                break
        told = [one.text if isinstance(one, ModelAnswer) else type(one) for one in history.answers]
        assert told == expected
        missing = kinds[len(told)] if len(told) < 2 else set()
        assert isinstance(history.failure, ModelServerError) is ("expired" in missing)


@settings(max_examples=200)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["response", "status_code", "body", "error", "code", "message", "choices"]),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    ).filter(lambda item: isinstance(item, dict))
)
def test_any_line_is_an_answer_or_an_error_of_ours(item: dict[str, Any]) -> None:
    read_line(item)


def test_a_200_without_a_choice_is_no_answer() -> None:
    line = answer_line("x", "text")
    line["response"]["body"]["choices"] = []
    assert isinstance(read_line(line), ModelResponseError)


def test_what_a_server_says_of_a_request_gets_into_no_error() -> None:
    line = status_line("x", 400, message="the review says: my secret", code="my secret")
    assert "secret" not in str(read_line(line))


def test_complaints_about_parameters_are_learnt_one_after_the_other(tmp_path: Path) -> None:
    said = [{"param": "temperature"}, {"param": "max_tokens"}]
    lines = [
        status_line(str(CustomId(KEYS[at], 1, 1, 1)), 400, code="unsupported_parameter", **said[at % 2])
        for at in range(4)
    ]
    path = tmp_path / "errors.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with Answers(Dialect()) as answers:
        answers.add(path)
        assert answers.dialect.parameters(9, 0.5) == {"max_completion_tokens": 9}
        assert all(answers.history(key).answers == [] for key in KEYS)


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with Answers(Dialect()) as answers, pytest.raises(InputError):
        answers.add(tmp_path / "nothing.jsonl")
    with BatchFolder(tmp_path) as folder, pytest.raises(InputError, match="cannot copy"):
        folder.keep(tmp_path / "nothing.jsonl")
