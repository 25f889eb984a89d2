"""Platform profiles and channel kinds: data, read once."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict

from calmreply.cues import fold
from calmreply.errors import InputError

if TYPE_CHECKING:
    from calmreply.plan import Channel

__all__ = ["Platform", "channel_ban", "channel_kind", "find_platform", "platform_names"]

Ban = Literal["phone", "email", "link", "handle", "money", "promo_code", "name", "carrier"]


class Platform(BaseModel):
    """What a platform allows in a public reply (guidelines, section 5).

    `limit` is None where no source confirms one; `unit` says what it counts. `sentences` is the
    form's usual length there, where it has one. `own_chat`: the invitation names the platform's chat.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    limit: int | None = None
    unit: Literal["characters", "bytes"] = "characters"
    sentences: int | None = None
    bans: frozenset[Ban] = frozenset()
    own_chat: bool = False
    note: str = ""

    def size(self, text: str) -> int:
        """The length of a text in the platform's own unit."""
        return len(text.encode()) if self.unit == "bytes" else len(text)

    def fits(self, text: str) -> bool:
        """Whether a text is within the limit."""
        return self.limit is None or self.size(text) <= self.limit


def platform_names() -> tuple[str, ...]:
    """The names of all profiles."""
    return tuple(_platforms())


def find_platform(name: str | None) -> Platform:
    """The profile of that name, in any case and with any separator; `generic` for None.

    Raises:
        InputError: there is no such profile; says which there are.
    """
    key = "_".join((name or "generic").casefold().replace("-", " ").replace("_", " ").split())
    try:
        return _platforms()[key]
    except KeyError:
        raise InputError(
            f"there is no platform {name!r}", hint=f"one of: {', '.join(platform_names())}"
        ) from None


def channel_kind(kind: str) -> str:
    """The canonical name of a channel's kind; an unknown one is returned folded, as written."""
    word = fold(kind.casefold()).strip()
    return _kinds().get(word) or _kinds().get(word.replace("_", " ").replace("-", " ")) or word


def channel_ban(channel: Channel) -> str | None:
    """The platform ban that covers a channel; None where none does. Unknown kinds count as handles."""
    if not channel.value:
        return None
    kind = channel_kind(channel.kind)
    table = _table("channels")
    if kind in table:
        ban = table[kind].get("ban")
        return str(ban) if ban else None
    return "handle"


@lru_cache(maxsize=1)
def _platforms() -> dict[str, Platform]:
    return {name: Platform(name=name, **fields) for name, fields in _table("platforms").items()}


@lru_cache(maxsize=1)
def _kinds() -> dict[str, str]:
    return {name: kind for kind, fields in _table("channels").items() for name in fields["names"]}


@lru_cache(maxsize=4)
def _table(name: str) -> dict[str, dict[str, Any]]:
    text = (resources.files("calmreply") / "data" / f"{name}.toml").read_text("utf-8")
    return tomllib.loads(text)
