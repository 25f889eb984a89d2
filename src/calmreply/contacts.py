"""Phone numbers, e-mail addresses, links, handles and bank accounts in a text, however spaced or spelt."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from calmreply.cues import fold
from calmreply.languages import language_codes, load_language

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Contact", "contact_keys", "find_contacts", "is_among", "mask_private_data"]

Kind = Literal["phone", "email", "link", "handle", "account"]

_TLD = r"(?:com|vn|net|org|info|shop|store|app|io|biz|edu|gov|xyz|site|online|uk|eu|us|de|fr|sg|asia)"
_SHORT_TLD = r"(?:me|ly|gl|co|in|gg|to|page|link|id|my|th)"
_NAME = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_EMAIL = re.compile(
    r"(?<![\w.+-])[\w.+-]{1,64}\s?@\s?[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,4}", re.IGNORECASE
)
# "name (at) mail dot com", "ten a còng mail chấm com": only with the dot spelt out or brackets.
_SPELT_EMAIL = re.compile(
    r"(?<![\w.+-])[\w.+-]{2,40} ?(?:[\[(] ?at ?[\])]| at | a còng | a cong |@) ?[a-z0-9-]{2,40} ?"
    r"(?:[\[(] ?dot ?[\])]| dot | chấm | cham |\.) ?" + _TLD + r"\b",
    re.IGNORECASE,
)
_LINK = re.compile(
    rf"(?:h(?:tt|xx)ps?://|www\.)[^\s<>\"]{{3,300}}"
    rf"|(?<![\w@.-]){_NAME}(?:\.{_NAME}){{0,3}}\.{_TLD}(?:\.[a-z]{{2}})?(?:/[^\s<>\"]{{0,300}})?(?![\w@-])"
    rf"|(?<![\w@.-]){_NAME}(?:\.{_NAME}){{0,2}}\.{_SHORT_TLD}/[^\s<>\"]{{1,300}}",
    re.IGNORECASE,
)
_HANDLE = re.compile(r"(?<![\w@./])@[A-Za-z][\w.]{2,29}(?<!\.)")
# "gomdep chấm com", "riverbend dot shop".
_SPELT_LINK = re.compile(rf"(?<![\w@.-]){_NAME} (?:dot|chấm|cham) {_TLD}\b", re.IGNORECASE)
_APP = (
    r"(?:instagram|insta|ig|telegram|tele|facebook|fb|fanpage|messenger|viber|line|wechat|skype|tiktok|zalo)"
)
# A word that is plainly a name: a digit or an underscore in it, or a dot between letters.
_PLAIN_NAME = r"(?=[\w.]{0,29}(?:[\d_]|\.\w))([a-z][\w.]{2,29})(?<!\.)"
# "IG: riverbend_shop", "my Telegram is gom99", "riverbend_pots on Insta".
_NAMED_HANDLE = re.compile(
    rf"\b{_APP}(?: (?:id|name|nick|account|handle))? ?(?:[:=]|\bis\b|\blà\b) ?{_PLAIN_NAME}"
    rf"|(?<![\w@./]){_PLAIN_NAME} (?:on|trên) {_APP}\b",
    re.IGNORECASE,
)
# An IBAN: country, two check digits, and groups of four.
_ACCOUNT = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b")
_ACCOUNT_DIGITS = 8
_ACCOUNT_LENGTH = 15  # the shortest there are; a parcel's number is shorter
_DIGITS = re.compile(r"(?<![\w#])(?:\+ ?)?\(?\d(?:[ .\-()/·]{0,2}[\dxX*•]){3,18}(?![A-Za-z0-9_À-ỹ])")
_MASK = re.compile(r"[xX*•]")
_DATE = re.compile(r"(?:\d{4}[-./ ]\d{1,2}[-./ ]\d{1,2}|\d{1,2}[-./ ]\d{1,2}[-./ ](?:\d{4}|\d{2}))$")
_THOUSANDS = re.compile(r"\d{1,3}(?:[., ]\d{3})+$")
_NORTH_AMERICAN = re.compile(r"(?:\+?1[ .-]?)?\(?[2-9]\d{2}\)?[ .-]\d{3}[ .-]\d{4}$")
_UNIT_AFTER = re.compile(
    r" ?(?:đ(?!\w)|vnđ|vnd|k\b|usd|eur|dollars?|euros?|đồng|dong|nghìn|ngàn"
    r"|ml|kg|g\b|cm|mm|mah|w\b|%|€|£|\$)",
    re.IGNORECASE,
)
_MONEY_BEFORE = re.compile(r"[$€£₫] ?$")
_BEFORE = 32
# How many digits a phone number has: any; a short hotline; a masked one ("0909xxx"); one with a trunk
# zero; a 1800 or 1900 number; one with the Vietnamese or the North American country code.
_ANY = range(8, 16)
_HOTLINE = range(4, 16)
_MASKED = range(3, 16)
_TRUNK = range(9, 13)
_SERVICE = range(8, 11)
_VIETNAM = range(11, 13)
_AMERICA = range(11, 12)
_COUNTRY_CODE = range(1, 4)


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact in a text. `key` is the same for every way of writing it; offsets index the text given."""

    kind: Kind
    key: str
    start: int
    end: int


def find_contacts(text: str) -> tuple[Contact, ...]:
    """Every contact in a text, in order; of two that overlap, the longer one. Linear in the text's length."""
    found = [
        *_emails(text),
        *_links(text),
        *_handles(text),
        *_phones(text),
        *_spelt_phones(text),
        *_accounts(text),
    ]
    found.sort(key=lambda contact: (contact.start - contact.end, contact.start))
    kept: list[Contact] = []
    taken = bytearray(len(text))
    for contact in found:
        if not any(taken[contact.start : contact.end]):
            taken[contact.start : contact.end] = b"\x01" * (contact.end - contact.start)
            kept.append(contact)
    return tuple(sorted(kept, key=lambda contact: contact.start))


@lru_cache(maxsize=1024)
def contact_keys(value: str) -> frozenset[str]:
    """The keys of the contacts in a shop's own line ("Zalo 0909 123 456"), and the line's own key."""
    return frozenset({contact.key for contact in find_contacts(value)} | {_plain_key(value)})


def is_among(contact: Contact, keys: Iterable[str]) -> bool:
    """Whether a contact is one of those keys; a phone number with a country code is the one without."""
    if contact.key in keys:
        return True
    return contact.kind == "phone" and any(_is_same_phone(contact.key, key) for key in keys)


def _is_same_phone(one: str, other: str) -> bool:
    long, short = sorted((one, other), key=lambda key: key.startswith("+"), reverse=True)
    national = short.lstrip("0")
    if not long.startswith("+") or not national.isdigit() or len(national) not in _ANY:
        return False
    return long.endswith(national) and len(long) - 1 - len(national) in _COUNTRY_CODE


def mask_private_data(text: str) -> str:
    """The text with e-mails, phones, links, handles and accounts as neutral marks: "[phone]"."""
    pieces: list[str] = []
    at = 0
    for contact in find_contacts(text):
        pieces += [text[at : contact.start], f"[{contact.kind}]"]
        at = contact.end
    return "".join([*pieces, text[at:]])


def _plain_key(value: str) -> str:
    if sum(char.isdigit() for char in value) in _HOTLINE and not any(char.isalpha() for char in value):
        return _phone_key(value)
    return _link_key(value.strip().lstrip("@"))


def _emails(text: str) -> Iterator[Contact]:
    if "@" in text:
        for match in _EMAIL.finditer(text):
            yield Contact("email", match.group().replace(" ", "").casefold().rstrip("."), *match.span())
    lowered = text.casefold()
    if " dot " in lowered or "(at)" in lowered or "[at]" in lowered or "chấm" in lowered or "còng" in lowered:
        for match in _SPELT_EMAIL.finditer(text):
            yield Contact("email", "".join(match.group().casefold().split()), *match.span())


def _links(text: str) -> Iterator[Contact]:
    for match in _SPELT_LINK.finditer(text):
        yield Contact("link", ".".join(match.group().casefold().split()[::2]), *match.span())
    if "." not in text:
        return
    for match in _LINK.finditer(text):
        end = match.start() + len(match.group().rstrip(".,;:!?)'\"…”’"))
        yield Contact("link", _link_key(text[match.start() : end]), match.start(), end)


def _link_key(link: str) -> str:
    key = re.sub(r"^(?:https?://)?(?:www\.)?", "", link.casefold())
    return key.rstrip("/")


def _handles(text: str) -> Iterator[Contact]:
    if "@" in text:
        for match in _HANDLE.finditer(text):
            yield Contact("handle", match.group()[1:].casefold(), *match.span())
    for match in _NAMED_HANDLE.finditer(text):
        group = match.lastindex or 1
        yield Contact("handle", match.group(group).casefold(), *match.span(group))


def _phones(text: str) -> Iterator[Contact]:
    for match in _DIGITS.finditer(text):
        raw = match.group()
        if _is_phone(text, match.start(), match.end(), raw):
            yield Contact("phone", _phone_key(raw), *match.span())


def _accounts(text: str) -> Iterator[Contact]:
    for match in _ACCOUNT.finditer(text):
        key = match.group().replace(" ", "").casefold()
        if len(key) >= _ACCOUNT_LENGTH and sum(map(str.isdigit, key)) >= _ACCOUNT_DIGITS:
            yield Contact("account", key, *match.span())


def _is_phone(text: str, start: int, end: int, raw: str) -> bool:
    before = fold(text[max(0, start - _BEFORE) : start].casefold())
    # The word that stands nearest decides: "order number 0912…" is no phone, "call us on 12 34 56 78" is.
    order, phone = _last(before, "order_words"), _last(before, "phone_words")
    if order > phone or _MONEY_BEFORE.search(before) or _UNIT_AFTER.match(text, end) or "/" in raw:
        return False
    count = sum(char.isdigit() for char in raw)
    if _MASK.search(raw):
        return count in _MASKED and (phone > order or raw[0] in "0+")
    if _DATE.match(raw):
        return False
    return count in _HOTLINE if phone > order else count in _ANY and _is_national(raw)


def _is_national(raw: str) -> bool:
    """Whether a number without a word about it is written as phone numbers are."""
    digits = re.sub(r"\D", "", raw)
    if raw.startswith("+") or _NORTH_AMERICAN.match(raw):
        return True
    if digits.startswith("0"):
        return len(digits) in _TRUNK
    if digits.startswith(("1800", "1900")):
        return len(digits) in _SERVICE
    return digits.startswith("84") and len(digits) in _VIETNAM and not _THOUSANDS.match(raw)


def _last(before: str, name: str) -> int:
    """Where in the words before a number the last of a kind of word stands; -1 without one."""
    return max((match.start() for match in _word_pattern(name).finditer(before)), default=-1)


@lru_cache(maxsize=4)
def _word_pattern(name: str) -> re.Pattern[str]:
    """One pattern over every language's folded words of a kind."""
    words = {fold(word.casefold()) for code in language_codes() for word in _data(code).get(name, ())}
    longest_first = sorted(map(re.escape, words), key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(longest_first)})(?!\w)")


def _data(code: str) -> dict[str, list[str]]:
    table: dict[str, list[str]] = load_language(code).data.get("contacts", {})
    return table


def _phone_key(raw: str) -> str:
    """The digits, with the country code as the trunk zero: +84 909… is 0909…."""
    digits = re.sub(r"[^\dx]", "", _MASK.sub("x", raw))
    if digits.startswith("0084"):
        return "0" + digits[4:]
    if raw.lstrip(" (").startswith("+84") or (digits.startswith("84") and len(digits) in _VIETNAM):
        return "0" + digits[2:].lstrip("0")
    if digits.startswith("1") and not digits.startswith("1800") and len(digits) in _AMERICA:
        return digits[1:]
    return f"+{digits}" if raw.lstrip(" (").startswith("+") else digits


def _spelt_phones(text: str) -> Iterator[Contact]:
    """Runs of seven or more spelt digits: "zero nine zero nine …", "không chín không …"."""
    lowered = fold(text.casefold())
    if len(lowered) != len(text):
        return  # only composed text keeps its offsets; analysed text is
    for code in language_codes():
        words = {fold(word): str(digit) for word, digit in _digit_words(code)}
        if not any(word in lowered for word in words):
            continue
        repeats = load_language(code).data.get("contacts", {}).get("repeats", {})
        again = f"(?:({'|'.join(repeats)}) )?" if repeats else "()"
        one = f"{again}({'|'.join(map(re.escape, words))})"
        for match in re.finditer(rf"(?<!\w){one}(?:[ ,.-]{{1,2}}{one}){{6,14}}(?!\w)", lowered):
            spelt = re.findall(one, match.group())
            digits = "".join(words[word] * repeats.get(times, 1) for times, word in spelt)
            yield Contact("phone", _phone_key(digits), *match.span())


def _digit_words(code: str) -> Iterable[tuple[str, int]]:
    table: dict[str, int] = load_language(code).data.get("contacts", {}).get("digits", {})
    return table.items()
