"""The screen: what only a person may answer, in both languages at once, and what only sounds like it."""

from __future__ import annotations

import pytest

from calmreply.classifier import Level, screen
from calmreply.cues import fold

AT_RISK = [
    "Got an electric shock from the kettle handle, my arm went numb",
    "The power bank caught fire in my bag",
    "My daughter was choking on the button that came off",
    "Face covered in hives after one use, the doctor put me on steroids",
    "We all had food poisoning from your chicken",
    "Found a piece of glass in my soup",
    "The small claims form went in on Monday, see you in court",
    "I passed everything to Trading Standards",
    "A journalist is looking into your business, the story runs on Thursday",
    "They told me they don't serve people with my accent",
    "You published my phone number and address on Facebook",
    "Your driver keeps texting me at night asking for a date",
    "The expiry date was scratched off and a new sticker put over it",
    "When I checked they had erased the expiry date",
    "I found an insect inside the flour packet",
    "The headset gives me neck pain and headaches",
    "Going to file a police complaint against the rider, he misbehaved with my sister",
    "Shipper tự ý đưa thông tin đơn hàng của mình cho người lạ",
    "Ấm siêu tốc rò điện, chạm vào là giật tê cả người",
    "Ăn xong cả nhà ngộ độc phải đi cấp cứu",
    "Bôi kem xong mặt sưng vù nổi mẩn đỏ, đi khám bác sĩ nói dị ứng",
    "Sạc dự phòng phát nổ cháy xém nệm",
    "Tôi đã gửi đơn lên Hội bảo vệ người tiêu dùng và công an phường",
    "Sẽ nhờ luật sư kiện shop ra tòa",
    "Shop nói không bán cho người dân tộc, kỳ thị khách",
    "Nhân viên lấy số điện thoại của mình trong đơn rồi nhắn tin tán tỉnh giữa đêm",
    "Tẩy date hết hạn rồi dán tem mới lên bán cho khách",
    "con mình té gãy tay vì ghế gãy chân",
]
NOT_AT_RISK = [
    "SCAM!!! thieves, all of them",
    "lừa đảo",
    "I'm sick of waiting",
    "These boots are killing me",
    "Court shoes came in a 4, I ordered a 6",
    "French press leaks from the bottom",
    "meant for allergy sufferers, flat after two nights",
    "My wallet is bleeding",
    "The tag is sewn in with red thread that goes through to the front",
    "Máy nóng muốn chiên trứng được luôn",
    "the colour is shocking",
    "Kiện hàng bị móp",
    "thiếu phụ kiện trong hộp",
    "game bị giật lag liên tục",
    "đợi rep inbox chắc em nhập viện tâm thần trước",
    "giá cắt cổ, cháy túi luôn",
    "Bộ đồ chơi xe công an thiếu cái còi",
    "mực bị bong tróc, vải mỏng",
    "",
]


@pytest.mark.parametrize("text", AT_RISK)
def test_what_only_a_person_may_answer(text: str) -> None:
    found = screen(text)
    assert found.level is Level.YES
    assert found
    assert found.keep_local
    assert all(quote in text for quote in found.evidence)


@pytest.mark.parametrize("text", NOT_AT_RISK)
def test_what_only_sounds_like_it(text: str) -> None:
    assert not screen(text)


@pytest.mark.parametrize("text", [text for text in AT_RISK if not text.isascii()])
def test_without_marks_nothing_is_sent_away_either(text: str) -> None:
    assert screen(fold(text)).keep_local


def test_it_reads_through_digits_and_case() -> None:
    assert screen("I WILL SEE YOU IN C0URT, MY L4WYER WILL CALL")
    assert screen("the chargerrr caught fireee")


def test_both_languages_are_read_whatever_the_text_is() -> None:
    assert screen("The heater burned my hand, hàng nguy hiểm đừng mua nha mọi người")


def test_doubt_is_kept_from_models_but_is_no_verdict() -> None:
    found = screen("is this even legal")
    assert found.level is Level.DOUBT
    assert found.keep_local
    assert not found
