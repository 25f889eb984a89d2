import pytest
from fakes import REVIEW, FixedClassifier, ceramics

from calmreply import Plan, Replier, check
from calmreply.mend import mend, shown_share, unwrapped
from calmreply.templates import Library

THANKS = "Hello Anna, thank you for telling us about the cracked mug."
APOLOGY = "We are sorry it reached you in two pieces."
EMPATHY = "It is disappointing to open a parcel and find that."
REMEDY = "We will send you a replacement within 24 hours."
CHANNEL = "Please call our hotline 0909 123 456 so that we can arrange it."
WHOLE = (THANKS, APOLOGY, EMPATHY, REMEDY, CHANNEL)
SHOP = ceramics()
LIBRARY = Library.load(SHOP)


def plan() -> Plan:
    return Replier(SHOP, client=False, classifier=FixedClassifier()).plan(REVIEW)


def mended(*sentences: str, most_missing: int = 1, gap: str = " ") -> str | None:
    return mend(gap.join(sentences), plan(), REVIEW, LIBRARY, most_missing=most_missing)


@pytest.mark.parametrize(
    "bad",
    [
        "We will also refund you $500.",
        "The courier is to blame for this.",
        "You must have dropped it yourself.",
        "Write to other@elsewhere.example instead.",
        "Please change your review to five stars.",
        "We were negligent and are liable for it.",
        "We have already spoken with the courier about it.",
        "Shop xin lỗi bạn rất nhiều về chuyện này nhé.",
    ],
)
def test_an_offending_sentence_goes_whole(bad: str) -> None:
    assert mended(*WHOLE[:4], bad, CHANNEL) == " ".join(WHOLE)


@pytest.mark.parametrize("part", range(5))
def test_one_missing_part_comes_from_the_templates(part: int) -> None:
    rest = [sentence for at, sentence in enumerate(WHOLE) if at != part]
    text = mended(*rest)
    assert text is not None
    assert not [one for one in check(text, plan(), REVIEW) if one.is_error]
    assert [sentence for sentence in rest if sentence in text] == rest


def test_the_formulas_order_is_kept() -> None:
    without_remedy = mended(THANKS, APOLOGY, EMPATHY, CHANNEL)
    assert without_remedy is not None
    assert without_remedy.endswith(CHANNEL)
    without_channel = mended(THANKS, APOLOGY, EMPATHY, REMEDY)
    assert without_channel is not None
    assert without_channel.startswith(" ".join(WHOLE[:4]))


def test_two_missing_parts_are_left_to_a_re_ask() -> None:
    assert mended(THANKS, EMPATHY, CHANNEL) is None
    assert mended(THANKS, EMPATHY, CHANNEL, most_missing=6) is not None


def test_a_remedy_put_in_does_not_stand_beside_the_drafts_own() -> None:
    text = mended(THANKS, APOLOGY, EMPATHY, "We will send you a new mug soon.", CHANNEL)
    assert text is not None
    assert "soon" not in text


def test_nothing_is_left_that_points_at_what_went() -> None:
    text = mended(*WHOLE[:4], "We will also refund you $500.", "That will be with you tomorrow.", CHANNEL)
    assert text == " ".join(WHOLE)


def test_the_drafts_own_pronoun_is_kept() -> None:
    text = mended(
        THANKS.replace("us", "me"),
        EMPATHY,
        REMEDY.replace("We", "I"),
        CHANNEL.replace("our", "my").replace("we", "I"),
    )
    assert text is not None
    assert "We" not in text


def test_paragraphs_stay_paragraphs() -> None:
    text = mended(*WHOLE[:4], "We will also refund you $500.", CHANNEL, gap="\n\n")
    assert text == "\n\n".join(WHOLE)


def test_a_reply_too_long_loses_what_the_formula_does_not_need() -> None:
    extra = (
        "We pack every order by hand.",
        "Our kiln is old and dear to us.",
        "The river is high this week.",
    )
    text = mended(*WHOLE[:3], *extra, REMEDY, CHANNEL)
    assert text is not None
    assert all(sentence in text for sentence in WHOLE)


@pytest.mark.parametrize("draft", ["", "   ", "!!!", "ok", "\u202e", "1 2 3"])
def test_what_is_no_draft_is_not_mended(draft: str) -> None:
    assert mend(draft, plan(), REVIEW, LIBRARY) is None


@pytest.mark.parametrize(
    ("draft", "text"),
    [
        ("Reply: Thank you.", "Thank you."),
        ("**Reply:** Thank you.", "Thank you."),
        ('"Thank you."', "Thank you."),
        ("“Cảm ơn bạn.”", "Cảm ơn bạn."),
        ("```\nThank you.\n```", "Thank you."),
        ("Phản hồi: Cảm ơn bạn.", "Cảm ơn bạn."),
        (
            '"Yes" is what you said, and "no" is what you got.',
            '"Yes" is what you said, and "no" is what you got.',
        ),
    ],
)
def test_wrappings_come_off(draft: str, text: str) -> None:
    assert unwrapped(draft) == text


def test_a_cut_off_end_goes() -> None:
    assert unwrapped("One. Two. Thr", was_cut=True) == "One. Two."
    assert unwrapped("One and onl", was_cut=True) == "One and onl"


def test_the_share_counts_the_models_own_sentences() -> None:
    assert shown_share(" ".join(WHOLE), " ".join(WHOLE), "en") == 1.0
    assert shown_share(" ".join(WHOLE), f"{THANKS} {REMEDY}", "en") == pytest.approx(0.4)
    assert shown_share("", "x", "en") == 0.0
