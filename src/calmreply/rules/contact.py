"""Who may be reached how, and what stays private: channel, contacts, privacy, platform."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from calmreply.contacts import Contact, contact_keys, find_contacts, is_among
from calmreply.cues import fold
from calmreply.languages import load_language
from calmreply.platform import channel_kind, find_platform
from calmreply.rules import Case, Finding, rule
from calmreply.rules.tone import blame
from calmreply.values import Money, Percent, find_values

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from calmreply.plan import Channel

__all__: list[str] = []

_NOT_WORD = re.compile(r"[\s.\-()/·]+")
_CHANNELS = frozenset(
    {"zalo", "messenger", "facebook", "whatsapp", "viber", "instagram", "telegram", "hotline"}
)
_CHAT = frozenset({"chat", "inbox"})
_PHONE_KINDS = frozenset({"phone", "zalo", "whatsapp", "viber"})
# British and American postcodes, as they stand at the end of an address.
_POSTCODE = re.compile(r"\b(?:[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}|[A-Z]{2} \d{5}(?:-\d{4})?)\b")
_CODE = re.compile(r"(?<![\w.@/-])[A-Z]{4,12}\d{1,4}(?![\w-])")
_LONG_NUMBER = re.compile(r"(?<![\w.])\d(?:[ -]?\d){11,18}(?![\w])")


@rule(
    "channel",
    hint="Invite the customer to the plan's private channel, with its contact exactly as the shop wrote it.",
    source="guidelines, sections 3 and 4; an invitation beside the public remedy (Hogreve 2019; Lopes 2024)",
)
def channel(case: Case) -> Iterator[Finding]:
    """The customer is invited to the plan's private channel, and its contact stands unaltered."""
    wanted = case.plan.channel
    if wanted is None or case.plan.is_question or case.is_unreadable:
        return
    if wanted.value:
        yield from _valued_channel(case, wanted)
    elif not _invites_to(case, channel_kind(wanted.kind), wanted.kind):
        yield Finding(f"There is no invitation to the private channel ({wanted.kind}).")


def _valued_channel(case: Case, wanted: Channel) -> Iterator[Finding]:
    places = list(_places(case, wanted.value))
    if not places:
        altered = next((one for one in foreign_contacts(case) if _is_like(one, wanted)), None)
        if altered is None:
            yield Finding(f"There is no invitation to {wanted.kind} {wanted.value}.")
        else:
            yield Finding(
                f"The contact is not {wanted.value}, as the shop wrote it.", *_original(case, altered)
            )
        return
    refused = {hit.sentence for hit in case.hits("channel_refused")}
    sentences = {case.analysis.sentence_at(case.analysis.original(*place).start) for place in places}
    if sentences <= refused:
        yield Finding(f"The customer is told not to use {wanted.kind} {wanted.value}.")


def _places(case: Case, value: str) -> Iterator[tuple[int, int]]:
    """Where the shop's contact stands in the cleaned reply, in any grouping of its digits."""
    keys = contact_keys(value)
    found = [(one.start, one.end) for one in case.contacts if is_among(one, keys)]
    if found:
        yield from found
        return
    text = case.analysis.clean.casefold()
    wanted = _NOT_WORD.sub("", value.casefold())
    pattern = r"[\s.\-()/·]{0,3}".join(map(re.escape, wanted))
    if wanted and (match := re.search(rf"(?<!\w){pattern}(?!\w)", text)):
        yield match.span()


def _is_like(contact: Contact, wanted: Channel) -> bool:
    """Whether a foreign contact looks like the channel's, so that it is an altered one."""
    own = {one.kind for one in find_contacts(wanted.value)}
    if own:
        return contact.kind in own
    kind = channel_kind(wanted.kind)
    return contact.kind == "phone" if kind in _PHONE_KINDS else contact.kind in {"handle", "link", "email"}


def _invites_to(case: Case, kind: str, name: str) -> bool:
    refused = {hit.sentence for hit in case.hits("channel_refused")}
    groups = ("channel_chat",) if kind == "chat" else (f"channel_{kind}", "channel_chat")
    if kind == "chat":
        # "Message our Facebook page" is no invitation to the shop's chat; "chat with us, or on Facebook" is.
        plain = {one.index for one in case.analysis.sentences if any(t.form in _CHAT for t in one.tokens)}
        refused |= {hit.sentence for hit in case.hits("off_platform")} - plain
    if any(hit.sentence not in refused for group in groups for hit in case.hits(group)):
        return True
    # In whatever words it invites: where no other contact is given, it can only mean the place they are at.
    elsewhere = refused | {case.analysis.sentence_at(_original(case, one)[0]) for one in case.contacts}
    if kind == "chat" and any(hit.sentence not in elsewhere for hit in case.acting("invites")):
        return True
    word = fold(name.casefold())
    return any(
        f" {word} " in f" {fold(sentence.words)} " and sentence.index not in refused
        for sentence in case.analysis.sentences
    )


@rule(
    "contacts",
    hint="Leave out every phone number, address, link and handle that is not the shop's own.",
    source="guidelines, section 4",
    can_soften=False,
)
def contacts(case: Case) -> Iterator[Finding]:
    """No phone number, e-mail, link or handle stands in it that is not the shop's."""
    for contact in foreign_contacts(case):
        yield Finding(f"This {contact.kind} is not one of the shop's contacts.", *_original(case, contact))


def foreign_contacts(case: Case) -> list[Contact]:
    """The contacts in a reply that the plan does not hold and that are no order number of the review's."""
    review = case.review_analysis.clean
    theirs = {one.key for one in find_contacts(review)}
    numbers = re.sub(r"\D", "", f"{review} {case.review.order_id or ''}")
    return [
        one
        for one in case.contacts
        if not is_among(one, case.shop_contacts)
        and not (one.kind == "phone" and one.key not in theirs and re.sub(r"\D", "", one.key) in numbers)
    ]


def _original(case: Case, contact: Contact) -> tuple[int, int]:
    return case.analysis.original(contact.start, contact.end)


@rule(
    "privacy",
    hint="Leave out what is the customer's own affair: contact, address, full name, payment, health.",
    source="guidelines, section 4; HIPAA fines of 10,000 to 50,000 USD for such replies",
    can_soften=False,
)
def privacy(case: Case) -> Iterator[Finding]:
    """Nothing private of the customer is repeated, disclosed or asked for in public."""
    theirs = {one.key for one in find_contacts(case.review_analysis.clean)}
    for contact in foreign_contacts(case):
        if contact.key in theirs:
            yield Finding(f"This {contact.kind} is the customer's own.", *_original(case, contact))
    for hit in case.acting("discloses"):
        kinds = (kind for kind in _PRIVATE if hit in case.analysis.hits_in(kind, hit.sentence))
        yield Finding(_PRIVATE[next(kinds, "")], hit.start, hit.end)
    yield from _asked(case)
    yield from _health(case)
    yield from _full_name(case)
    own = " ".join((*case.plan.contacts, *case.plan.facts, case.plan.signature or ""))
    for match in _POSTCODE.finditer(case.analysis.clean):
        if match.group() not in own:
            yield Finding("It gives an address in public.", *case.analysis.original(*match.span()))
    for match in _LONG_NUMBER.finditer(case.analysis.clean):
        if _is_card(match.group()):
            yield Finding("This looks like a card number.", *case.analysis.original(*match.span()))


_PRIVATE = {
    "": "It tells what is the customer's own affair.",
    "private_payment": "It gives payment or account details in public.",
    "private_address": "It gives an address in public.",
    "private_health_yours": "It speaks of the customer's health in public.",
}


def _asked(case: Case) -> Iterator[Finding]:
    """Private details asked for in public: not where the sentence says by which private way to send them."""
    given = {case.analysis.sentence_at(_original(case, one)[0]) for one in case.contacts}
    groups = ("channel_chat", "channel_email", "channel_page", "channel_zalo")
    private = {hit.sentence for group in groups for hit in case.hits(group)}
    public = {hit.sentence for hit in case.hits("public_place")}
    posted = {hit.sentence for hit in case.hits("posted")}
    for hit in case.hits("private_asked"):
        if hit.sentence in posted or hit.sentence not in given | (private - public):
            yield Finding("It asks the customer to post private details in public.", hit.start, hit.end)


def _health(case: Case) -> Iterator[Finding]:
    """Words of illness and injury, where the customer told of theirs: it is only "what happened"."""
    if case.plan.at_risk or case.review_analysis.has("private_health"):
        for hit in case.acting("health"):
            yield Finding(
                "It speaks of the customer's health in public.",
                hit.start,
                hit.end,
                hint='Say only "what happened".',
            )


_CAPITALISED = re.compile(r"[^\W\d_a-zà-ỹ][^\W\d_]*(?:[’'-][^\W\d_]+)?")


def _full_name(case: Case) -> Iterator[Finding]:
    """A name of the customer that is longer than the one they signed with."""
    signed = {fold(word.casefold()) for word in re.findall(r"[^\W\d_]+", case.review.author or "")}
    known = {fold(word.casefold()) for word in re.findall(r"[^\W\d_]+", case.plan.name or "")}
    if not known and not signed:
        return
    own = (case.plan.shop_name, case.plan.signature, case.plan.role)
    shop = fold(" ".join(filter(None, own)).casefold()).split()
    clean, beside = case.analysis.clean, _no_names(case)
    words = [match for match in _CAPITALISED.finditer(clean) if match.group()[0].isupper()]
    starts = _first_letters(case, words)
    for at, match in enumerate(words):
        name = _folded(match)
        if name in shop or not any(_is_same(name, one) for one in known | signed):
            continue
        run = _run(clean, words, at, starts)
        written = fold((case.review.author or "").casefold())
        if written and "".join(map(_folded, run)) in re.sub(r"[\W\d_]", "", written):
            continue  # read out of a handle, "hoangtu_88": that is `addressee`
        if any(
            _folded(one) not in known | signed | beside and _folded(one) not in shop
            for one in run
            if one is not match
        ):
            yield Finding(
                "It gives more of the customer's name than they signed with.",
                *case.analysis.original(run[0].start(), run[-1].end()),
            )
            return


def _first_letters(case: Case, words: list[re.Match[str]]) -> frozenset[int]:
    """Where the words begin that open a sentence and are no known surname."""
    surnames = load_language(case.plan.language).data.get("surnames", ())
    known = {fold(name) for name in surnames}
    opening = {sentence.start for sentence in case.analysis.sentences}
    return frozenset(
        match.start()
        for match in words
        if _folded(match) not in known and case.analysis.original(match.start(), match.end()).start in opening
    )


def _folded(match: re.Match[str]) -> str:
    return fold(match.group().casefold())


def _is_same(name: str, other: str) -> bool:
    """Whether two given names are one: the same, or one the short form of the other ("Jess", "Jessica")."""
    short, long = sorted((name, other), key=len)
    return name == other or (len(short) > 2 and long.startswith(short))  # noqa: PLR2004 - two letters are initials


def _run(text: str, words: list[re.Match[str]], at: int, starts: frozenset[int]) -> list[re.Match[str]]:
    """The words with a capital around one of them, at most two to each side, with single spaces between.

    A word that begins a sentence has its capital from there.
    """
    first = last = at
    while last + 1 < min(len(words), at + 3) and text[words[last].end() : words[last + 1].start()] == " ":
        last += 1
    while (
        first > max(0, at - 2)
        and text[words[first - 1].end() : words[first].start()] == " "
        and words[first - 1].start() not in starts
    ):
        first -= 1
    return words[first : last + 1]


def _no_names(case: Case) -> frozenset[str]:
    """Capitalised words that stand beside a name without being part of it: greetings and titles."""
    words = load_language(case.plan.language).data.get("contacts", {}).get("beside_names", ())
    return frozenset(fold(word.casefold()) for word in words) | _CHANNELS


def _is_card(number: str) -> bool:
    """Luhn's check over thirteen digits and more."""
    digits = [int(char) for char in number if char.isdigit()]
    if len(digits) < 13:  # noqa: PLR2004 - the shortest card numbers
        return False
    doubled = (sum(divmod(2 * digit, 10)) if at % 2 else digit for at, digit in enumerate(reversed(digits)))
    return sum(doubled) % 10 == 0


@rule(
    "platform",
    hint="Leave out what the platform forbids in public replies.",
    source="guidelines, section 5",
)
def platform(case: Case) -> Iterator[Finding]:
    """Nothing stands in it that the platform forbids: contact details, links, money, names."""
    profile = find_platform(case.plan.platform)
    where = profile.name.replace("_", " ")
    for contact in case.contacts:
        if contact.kind in profile.bans:
            yield Finding(f"{where} does not allow a {contact.kind} here.", *_original(case, contact))
    if profile.own_chat:
        yield from _found(case.hits("off_platform"), f"{where} does not allow an invitation away from it.")
    if "money" in profile.bans:
        yield from _found(_money(case), f"{where} removes replies with money in them.")
    if "promo_code" in profile.bans:
        codes = (*case.hits("promo_code"), *_codes(case))
        yield from _found(codes, f"{where} does not allow promo codes in replies.")
    if "name" in profile.bans:
        yield from _found(_names(case), f"{where} does not allow names.")
    if "carrier" in profile.bans:
        yield from _found(_carriers(case), f"{where} does not allow naming a carrier as the cause.")


def _found(places: Iterable[tuple[int, ...]], message: str) -> Iterator[Finding]:
    for start, end, *_ in places:
        yield Finding(message, start, end)


def _carriers(case: Case) -> Iterator[tuple[int, int]]:
    """Companies named in a sentence that blames."""
    blamed = {case.analysis.sentence_at(one.start) for one in blame(case) if one.start is not None}
    for hit in case.hits("blame_company"):
        if hit.sentence in blamed:
            yield hit.start, hit.end


def _money(case: Case) -> Iterable[tuple[int, int]]:
    giving = {hit.sentence for hit in (*case.hits("money_offered"), *case.hits("money_given"))}
    for found in find_values(case.analysis):
        if isinstance(found.value, Money | Percent) and found.sentence in giving:
            yield found.start, found.end
    for hit in case.hits("money_offered"):
        yield hit.start, hit.end
    for act in ("refund", "money", "voucher"):
        for hit in case.acting(act):
            if hit.sentence not in giving:
                yield hit.start, hit.end


def _codes(case: Case) -> Iterator[tuple[int, int]]:
    """What looks like a code to type in: capitals and digits in one, "STRONG30"."""
    for match in _CODE.finditer(case.analysis.clean):
        yield case.analysis.original(*match.span())


def _names(case: Case) -> Iterator[tuple[int, int]]:
    """The customer's name, or a person of the shop named after a title or a role."""
    names = re.findall(r"[^\W\d_]{2,}", f"{case.plan.name or ''} {case.review.author or ''}")
    folded = {fold(name.casefold()) for name in names}
    for match in _CAPITALISED.finditer(case.analysis.clean):
        if fold(match.group().casefold()) in folded and match.start() > 0:
            yield case.analysis.original(*match.span())
            return
    for hit in case.hits("person_named"):
        words = case.text[hit.start : hit.end].split()
        if len(words) > 1 and words[-1][0].isupper():
            yield hit.start, hit.end
