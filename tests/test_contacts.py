import time

import pytest

from calmreply.contacts import contact_keys, find_contacts, is_among, mask_private_data


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Call our hotline 0909 123 456.", [("phone", "0909123456")]),
        ("Gọi 0909.123.456 hoặc +84 909 123 456 nhé", [("phone", "0909123456"), ("phone", "0909123456")]),
        ("Ring (415) 555-0132 or +44 20 7946 0958", [("phone", "4155550132"), ("phone", "+442079460958")]),
        ("Our hotline is 1900 1234", [("phone", "19001234")]),
        ("Call 0909xxx", [("phone", "0909xxx")]),
        ("Gọi không chín không chín một hai ba bốn năm sáu", [("phone", "0909123456")]),
        ("call zero nine zero nine one two three four five six", [("phone", "0909123456")]),
        ("Gọi 0️⃣9️⃣", []),
        ("Write to Care@Shop.com.", [("email", "care@shop.com")]),
        ("care (at) shop dot com", [("email", "care(at)shopdotcom")]),
        ("See https://shop.vn/a?b, please", [("link", "shop.vn/a?b")]),
        (
            "Look at riverbend.com/help or zalo.me/0909",
            [("link", "riverbend.com/help"), ("link", "zalo.me/0909")],
        ),
        ("DM @riverbend_shop", [("handle", "riverbend_shop")]),
        ("IG: gom_99", [("handle", "gom_99")]),
        ("My Telegram is annapots99.", [("handle", "annapots99")]),
        ("We are riverbend_pots on Insta", [("handle", "riverbend_pots")]),
        ("Our Instagram is great.", []),
        ("Zalo: gom.", []),
        ("Vào gomdep chấm com nhé", [("link", "gomdep.com")]),
        ("See hxxps://evil.example/x", [("link", "hxxps://evil.example/x")]),
    ],
)
def test_contacts_are_found_however_written(text: str, found: list[tuple[str, str]]) -> None:
    assert [(one.kind, one.key) for one in find_contacts(text)] == found


@pytest.mark.parametrize(
    "text",
    [
        "your order number 0912345678 is on its way",
        "mã đơn 0912345678 của bạn",
        "order #0912345678",
        "We refund 1.200.000đ or 300.000 VND or $1200",
        "on 12.05.2026 and 2026-05-12, within 24-48 hours",
        "size 38-40, 100-200 ml, 10-15%",
        "cảm ơn bạn.mình xin lỗi nhé",
        "Tracking RR123456785GB has not moved",
        "Instagram: we reply fast",
        "5 * 6 = 30",
    ],
)
def test_other_numbers_are_no_contacts(text: str) -> None:
    assert find_contacts(text) == ()


def test_offsets_cover_the_contact() -> None:
    text = "Nhắn 0909 123 456 nhé"
    (contact,) = find_contacts(text)
    assert text[contact.start : contact.end] == "0909 123 456"


def test_a_shops_line_has_the_keys_of_its_contacts() -> None:
    assert "0909123456" in contact_keys("Zalo 0909.123.456")
    assert contact_keys("@riverbend") & {one.key for one in find_contacts("@Riverbend")}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("+44 20 7946 0958", "020 7946 0958", True),
        ("+84 909 123 456", "0909 123 456", True),
        ("+1 415 555 0132", "(415) 555-0132", True),
        ("+44 20 7946 0959", "020 7946 0958", False),
        ("0909 123 457", "0909 123 456", False),
    ],
)
def test_a_country_code_makes_no_other_number(one: str, other: str, same: bool) -> None:  # noqa: FBT001
    (contact,) = find_contacts(f"Call {one}")
    assert is_among(contact, contact_keys(other)) is same


def test_masking_keeps_everything_else() -> None:
    masked = mask_private_data("gọi 0909 123 456 hay a@b.vn, xem shop.vn/x, mã đơn 22051")
    assert masked == "gọi [phone] hay [email], xem [link], mã đơn 22051"


@pytest.mark.parametrize(
    "pattern", ["1 ", "a.b", "@", "0909 ", "zero ", "http://", "a@b.", "x:", "1.", "a-", "không "]
)
def test_hostile_input_takes_linear_time(pattern: str) -> None:
    def seconds(size: int) -> float:
        text = pattern * (size // len(pattern))
        start = time.process_time()
        find_contacts(text)
        return time.process_time() - start

    assert seconds(100_000) < 10


def test_a_bank_account_is_a_contact() -> None:
    (found,) = find_contacts("Send it to IBAN GB29 NWBK 6016 1331 9268 19.")
    assert (found.kind, found.key) == ("account", "gb29nwbk60161331926819")


def test_a_number_spelt_with_doubles_is_a_phone() -> None:
    (found,) = find_contacts("call four four, seven seven double oh, nine double oh, five five five")
    assert found.kind == "phone"
