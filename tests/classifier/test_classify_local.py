"""The local classifier: complaint, signals, language, confidence and evidence of whole reviews."""

from __future__ import annotations

import json
from importlib import resources

import pytest

from calmreply.classifier import CONFIDENT, Classifier, LocalClassifier, classify
from calmreply.review import Classification, Complaint, Review, Signal


def read(text: str, **options: object) -> Classification:
    return classify(Review(text=text), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("The vase arrived smashed, no bubble wrap at all.", "damaged"),
        ("hộp bị móp méo, ly bể mất 2 cái", "damaged"),
        ("Still waiting after three weeks, tracking has not moved.", "late"),
        ("giao hang qua cham, doi 2 tuan moi co", "late"),
        ("They sent the wrong size, I ordered XL and got S", "not_as_described"),
        ("đặt màu đen mà giao màu trắng", "not_as_described"),
        ("The fabric is thin and itchy, seams came apart after one wash", "quality"),
        ("vải mỏng, đường may xấu, mặc nóng", "quality"),
        ("Nobody answers my emails and they refused my return", "service"),
        ("nhắn tin shop không trả lời, thái độ quá tệ", "service"),
        ("Way too expensive and a hidden handling fee on top", "pricing"),
        ("phí ship cao quá, giá đắt hơn ngoài chợ", "pricing"),
        ("I was charged twice and the refund has not arrived", "payment"),
        ("trả hàng cả tháng mà chưa hoàn tiền", "payment"),
        ("Sorry, wrong shop: my haircut took three hours and the fringe is crooked", "mistaken"),
        ("đánh giá nhầm shop rồi, mình chưa mua gì ở đây", "mistaken"),
        ("bad", "other"),
        ("tệ", "other"),
        ("😡😡😡", "other"),
        ("", "other"),
    ],
)
def test_the_primary_complaint_is_read(text: str, complaint: str) -> None:
    assert read(text).complaint == complaint


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("giao nhanh nhưng vải xấu, mỏng tang", "quality"),
        ("Delivery was fast but the zip broke the first day", "quality"),
        ("đóng gói cẩn thận, mỗi tội giao thiếu 1 cái", "not_as_described"),
        ("Lovely print, however it arrived with a big tear", "damaged"),
    ],
)
def test_what_follows_a_but_is_the_complaint(text: str, complaint: str) -> None:
    assert read(text).complaint == complaint


def test_the_root_problem_comes_before_a_refused_remedy() -> None:
    reading = read(
        "The kettle leaks from the bottom. It stopped working after a week. They refused my return."
    )
    assert reading.complaint is Complaint.QUALITY
    assert Complaint.SERVICE in reading.complaints
    assert reading.complaints[0] is reading.complaint


@pytest.mark.parametrize(
    ("text", "signal"),
    [
        ("You bunch of thieves, go to hell", Signal.HOSTILE),
        ("đồ lừa đảo, làm ăn như c*c", Signal.HOSTILE),
        ("lua dao nha moi nguoi", Signal.HOSTILE),
        (
            "One cup is chipped. I demand the whole set free, a second set and a public apology",
            Signal.UNREASONABLE_DEMAND,
        ),
        ("đòi shop đền gấp 10 lần và xin lỗi công khai", Signal.UNREASONABLE_DEMAND),
        ("UPS left it in the rain", Signal.THIRD_PARTY),
        ("J&T báo giao thành công mà mình có nhận đâu", Signal.THIRD_PARTY),
        ("Absolutely love it, best purchase this year!", Signal.PRAISE),
        ("Rất hài lòng, giao nhanh, sẽ ủng hộ shop dài dài", Signal.PRAISE),
        ("The charger caught fire and burned my hand", Signal.AT_RISK),
    ],
)
def test_a_signal_is_read(text: str, signal: Signal) -> None:
    assert signal in read(text).signals


def test_a_kind_word_before_the_but_is_no_praise() -> None:
    reading = read("Nice colour but the seams ripped on day one and it shrank in the wash")
    assert Signal.PRAISE not in reading.signals


def test_evidence_is_verbatim_and_needs_no_normal_form() -> None:
    text = "Va\u0309i mo\u0309ng, \u0111\u01b0\u01a1\u0300ng may xa\u0302\u0301u. Shop lừa đảo!"
    for given in (text, "The seams RIPPED on day one — you  thieves!"):
        reading = read(given)
        assert reading.evidence or given is text
        assert all(quote in given for quote in reading.evidence)


def test_language_is_that_of_the_text_and_unread_ones_are_never_sure() -> None:
    assert read("vải mỏng quá").language == "vi"
    french = read("Très déçu, le colis est arrivé cassé")
    assert french.language == "fr"
    assert french.confidence < CONFIDENT
    assert read("😡", languages=("vi", "en")).language == "vi"
    assert read("😡", languages=("en",)).language == "en"


def test_a_known_customer_is_never_mistaken() -> None:
    text = "Sorry, wrong shop: my haircut took three hours"
    assert read(text).complaint is Complaint.MISTAKEN
    assert read(text, order=object()).complaint is not Complaint.MISTAKEN


def test_the_classifier_keeps_the_protocol_and_is_deterministic() -> None:
    classifier: Classifier = LocalClassifier(languages=("en", "vi"))
    review = Review(text="The mug arrived cracked and nobody answers", stars=1)
    first = classifier.classify(review)
    assert first == LocalClassifier().classify(review)
    assert first.source == "local"
    assert 0 < first.confidence <= 1


def test_a_long_clear_review_is_surer_than_a_word() -> None:
    clear = read("The fabric is thin. The seams came apart after one wash. The zip broke. It shrank.")
    assert clear.confidence >= CONFIDENT > read("hmm").confidence


def test_the_weights_hold_no_sentence_of_anyone() -> None:
    for file in (resources.files("calmreply.classifier") / "weights").iterdir():
        if file.name.endswith(".json.gz"):
            import gzip

            rows = json.loads(gzip.decompress(file.read_bytes()))["rows"]
            assert all(len(feature) < 45 and feature.count(" ") <= 2 for feature in rows)


@pytest.mark.parametrize(
    "text", ["a " * 60_000, "s*t " * 30_000, "không " * 30_000, "(" * 100_000, "é" * 100_000]
)
def test_hostile_length_is_cheap(text: str) -> None:
    assert read(text).complaint in set(Complaint)
