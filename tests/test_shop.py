from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from calmreply.errors import PolicyError
from calmreply.languages import language_codes
from calmreply.plan import Action, Remedy
from calmreply.review import Complaint
from calmreply.shop import Escalation, Offer, Shop, Voice

EXAMPLES = Path(__file__).parents[1] / "src/calmreply/data/examples"


def load(tmp_path: Path, text: str) -> Shop:
    file = tmp_path / "shop.toml"
    file.write_text(text, "utf-8")
    return Shop.load(file)


def test_a_name_is_enough() -> None:
    shop = Shop(name="Riverbend")
    assert shop.languages == language_codes()
    assert shop.offer(Complaint.LATE) == Offer(action=Action.CALLBACK, within="24 hours")
    assert shop.serves("vi")
    assert not shop.serves("fr")


@pytest.mark.parametrize("name", ["ceramics", "fashion"])
def test_the_examples_load(name: str) -> None:
    shop = Shop.load(EXAMPLES / f"{name}.toml")
    assert shop.remedies
    assert shop.channels


@pytest.mark.parametrize("model", [Shop, Voice, Offer, Escalation])
def test_every_key_is_shown_in_an_example(model: Any) -> None:
    text = "\n".join((EXAMPLES / f"{name}.toml").read_text("utf-8") for name in ("ceramics", "fashion"))
    for name, field in model.model_fields.items():
        key = field.alias or name
        assert re.search(rf"^(# )?(\[+)?{key}\b", text, re.MULTILINE), key


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", ["name", "missing"]),
        ("name = ''", ["name"]),
        ("nam = 'X'\nname = 'X'", ["nam", "'name'"]),
        ("name = 'X'\nwobble = 1", ["wobble", "no such key"]),
        ("name = 'X'\n[voice]\npersn = 'I'", ["voice.persn", "'person'"]),
        ("name = 'X'\n[voice]\nperson = 'they'", ["voice.person", "'I' or 'we'"]),
        (
            "name = 'X'\n[remedies.damaged]\nacton = 'refund'",
            ["remedies.damaged.acton", "'action'", "missing"],
        ),
        ("name = 'X'\n[remedies.damaged]\naction = 'apologise'", ["remedies.damaged.action", "replacement"]),
        ("name = 'X'\n[remedies.broken]\naction = 'refund'", ["remedies.broken", "'damaged'"]),
        ("name = 'X'\n[remedies.mistaken]\naction = 'refund'", ["mistaken takes no remedy", "remove"]),
        (
            "name = 'X'\n[remedies.late]\naction = 'voucher'\nvalue = 'lots'",
            ["remedies.late.value", "'lots'", "300K"],
        ),
        (
            "name = 'X'\n[remedies.late]\naction = 'voucher'\nvalue = '24 hours'",
            ["remedies.late.value", "not money"],
        ),
        (
            "name = 'X'\n[remedies.late]\naction = 'voucher'\nwithin = 'soon'",
            ["remedies.late.within", "'soon'", "24 hours"],
        ),
        (
            "name = 'X'\n[remedies.late]\naction = 'repair'\nvalue = '5%'",
            ["remedies.late", "repair", "extras"],
        ),
        (
            "name = 'X'\n[remedies.late]\naction = 'refund'\nextras = ['tea']",
            ["remedies.late.extras[0]", "'vi'"],
        ),
        (
            "name = 'X'\n[remedies.late]\naction = 'refund'\nextras = [{en = 'tea', vi = ' '}]",
            ["extras[0]", "'vi'"],
        ),
        ("name = 'X'\n[escalation]\nrole = 'the owner'", ["escalation.role", "'vi'"]),
        ("name = 'X'\n[escalation]\nwithin = '10%'", ["escalation.within", "duration"]),
        ("name = 'X'\n[escalation]\nroll = 'x'", ["escalation.roll", "'role'"]),
        ("name = 'X'\nlanguages = ['fr']", ["languages", "'fr'", "en, vi"]),
        ("name = 'X'\nlanguages = []", ["languages", "at least one"]),
        ("name = 'X'\nlanguages = 'en'", ["languages"]),
        ("name = 'X'\nplatform = 'myspace'", ["platform", "'myspace'", "google_play"]),
        ("name = 'X'\n[rules]\nblme = 'off'", ["rules", "'blme'", "'blame'"]),
        ("name = 'X'\n[rules]\nprivacy = 'off'", ["rules", "'privacy'", "cannot be softened"]),
        ("name = 'X'\n[rules]\nblame = 'loud'", ["rules.blame", "'warning'"]),
        ("name = 'X'\n[[channels]]\nkind = ' '\nvalue = '1'", ["channels", "no kind"]),
        ("name = 'X'\n[[channels]]\nkind = 'phone'", ["channels", "'phone'", "no value"]),
        ("name = 'X'\n[[channels]]\nkind = 'phone'\nvalue = 'call me'", ["channels", "no phone number"]),
        ("name = 'X'\n[[channels]]\nkind = 'email'\nvalue = 'shop.com'", ["channels", "no e-mail"]),
        ("name = 'X'\n[[channels]]\nkind = 'zalo'\nvalu = '1'", ["channels", "'valu'", "'value'"]),
        ("name = 'X", ["mend the TOML"]),
    ],
)
def test_a_wrong_policy_names_file_key_and_fix(tmp_path: Path, text: str, named: list[str]) -> None:
    with pytest.raises(PolicyError) as error:
        load(tmp_path, text)
    assert all(word in str(error.value) for word in ["shop.toml", *named]), str(error.value)


def test_every_wrong_key_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r"voice\.person.*wobble"):
        load(tmp_path, "name = 'X'\nwobble = 1\n[voice]\nperson = 'they'")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r"none\.toml"):
        Shop.load(tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes("name = 'Tiệm'".encode("utf-16"))
    with pytest.raises(PolicyError, match="UTF-8"):
        Shop.load(tmp_path / "latin.toml")


def test_plain_texts_stand_for_the_first_language(tmp_path: Path) -> None:
    shop = load(
        tmp_path,
        "name = 'X'\nlanguages = ['vi']\nsignature = 'Mai'\nprompts = 'mine'\n"
        "[escalation]\nrole = 'chủ tiệm'\n[remedies.late]\naction = 'gift'\nextras = 'tặng kèm trà'",
    )
    assert shop.signature == {"vi": "Mai"}
    assert shop.escalation.role == {"vi": "chủ tiệm"}
    assert shop.offer(Complaint.LATE).extras == ({"vi": "tặng kèm trà"},)
    assert shop.prompts == tmp_path / "mine"


@pytest.mark.parametrize(
    ("written", "language", "said"),
    [
        ("24 hours", "en", "24 hours"),
        ("24 hours", "vi", "24 giờ"),
        ("24h", "vi", "24h"),
        ("a week", "vi", "7 ngày"),
        ("1 tuần", "en", "7 days"),
        ("3 ngày làm việc", "en", "3 business days"),
        ("hôm nay", "en", "today"),
        ("within 24 hours", "en", "24 hours"),
    ],
)
def test_deadlines_are_written_in_the_replys_language(written: str, language: str, said: str) -> None:
    assert Offer(action=Action.REPLACEMENT, within=written).remedy(language).within == said


@pytest.mark.parametrize(
    ("written", "language", "said"),
    [
        ("300K", "en", "300K"),
        ("300K", "vi", "300K"),
        ("50 nghìn", "en", "50,000 VND"),
        ("50 nghìn", "vi", "50 nghìn"),
        ("10%", "vi", "10%"),
        ("$15", "en", "$15"),
    ],
)
def test_sums_stand_as_the_shop_wrote_them_where_that_is_the_language(
    written: str, language: str, said: str
) -> None:
    assert Offer(action=Action.VOUCHER, value=written).remedy(language).value == said


def test_the_escalation_promises_contact_by_the_role() -> None:
    escalation = Escalation(role={"en": "the owner", "vi": "chủ tiệm"}, within="2 days")
    assert escalation.remedy("vi") == Remedy(action=Action.CALLBACK, within="48 giờ", extras=("chủ tiệm",))


def test_a_policy_in_code_is_checked_the_same() -> None:
    with pytest.raises(ValidationError, match="takes no remedy"):
        Shop(name="X", remedies={Complaint.OTHER: Offer(action=Action.REFUND)})
    assert Voice(self_word="em", customer_word="chị") == Voice.model_validate(
        {"self": "em", "customer": "chị"}
    )
