"""What each source calls the fields of a review, and finding them among the headings of a file."""

from __future__ import annotations

import tomllib
import unicodedata
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

__all__ = ["FIELDS", "Columns", "HeadingPath", "Wanted", "columns_of", "folded", "plain"]


# What each source calls a field, best first. A table applies where all its `marks` stand among the
# headings, and then names the platform; one without marks always applies, after those with.
_EXPORTS = """
[google_play]  # Play Console's monthly reviews report (UTF-16): the header line several public readers quote
marks = "Review Submit Date and Time"
text = "Review Text"
stars = "Star Rating"
created_at = "Review Submit Date and Time"
reply = "Developer Reply Text"

[google_business]  # `Review` of the Business Profile API reference, v4; Takeout holds the same
marks = "starRating|createTime"
text = "comment"
stars = "starRating"
author = "reviewer.displayName"
id = "name|reviewId"
created_at = "createTime"
reply = "reviewReply.comment"

[app_store]  # `CustomerReview.Attributes` of the App Store Connect API reference
marks = "reviewerNickname"
text = "body"
stars = "rating"
author = "reviewerNickname"
created_at = "createdDate"

[trustpilot]  # Trustpilot Business CSV: headings as commonly reported, not confirmed at the source
text = "Review Content"
stars = "Review Stars"
author = "Review Username|Consumer Username"
order_id = "Reference Id"
created_at = "Review Created (UTC)|Review Created"
reply = "Reply Content|Company Reply"

[shopee]  # Vietnamese sellers' sheets: the words of the seller pages; no published list of headings was found
text = "Nội dung đánh giá|Nhận xét|Bình luận|Nội dung"
stars = "Số sao đánh giá|Số sao|Điểm đánh giá|Xếp hạng|Sao"
author = "Tên người mua|Người mua|Tên khách hàng|Khách hàng|Người đánh giá|Tên người dùng"
id = "Mã đánh giá"
product = "Tên sản phẩm|Sản phẩm"
order_id = "Mã đơn hàng|Mã đơn"
created_at = "Thời gian đánh giá|Ngày đánh giá|Thời gian|Ngày"
platform = "Nền tảng|Sàn"
reply = "Phản hồi của người bán|Phản hồi của shop|Phản hồi|Trả lời"

[own]  # this program's own names, and plain words; "Đánh giá" is the text, beside another text the stars
text = "text|review text|review body|body|content|comment|review|message|feedback|Đánh giá"
stars = "stars|star|rating|star rating|score|review rating|Đánh giá"
author = "author|author name|reviewer|reviewer name|username|nickname|customer|customer name|buyer|name"
id = "id|review id"
product = "product|product name|product title|item|item name"
order_id = "order id|order number|order no|order sn|order"
created_at = "created at|created|review date|date|create time|timestamp"
platform = "platform"
reply = "reply|reply text|response|developer response|seller reply|owner response|business response"
plan = "plan"
"""


FIELDS = ("text", "stars", "id", "author", "product", "order_id", "created_at", "platform", "reply", "plan")


_INSIDE = ("review", "attributes")  # objects whose fields count as the row's own


HeadingPath = tuple[str, ...]  # where a cell stands: its heading, or the keys that lead to it in JSON


Wanted = tuple[tuple[str, str], ...]  # --map: fields and the columns named for them


class Columns(NamedTuple):
    """Where a row's fields stand, and the platform its headings give away."""

    paths: dict[str, HeadingPath]
    platform: str | None


@lru_cache(maxsize=256)
def columns_of(headings: tuple[HeadingPath, ...], wanted: Wanted) -> Columns:
    """Find each field's column: the one the user named, else the best known heading that is free."""
    names: dict[str, HeadingPath] = {}
    for path in headings:
        names.setdefault(folded(".".join(path)), path)
    for name, path in list(names.items()):
        parent, _, child = name.partition(".")
        if parent in _INSIDE and child:
            names.setdefault(child, path)
    tables = {
        name: table for name, table in _exports().items() if names.keys() >= set(table.get("marks", ()))
    }
    paths = {key: names[folded(column)] for key, column in wanted if folded(column) in names}
    for key in FIELDS:
        known = chain.from_iterable(table.get(key, ()) for table in tables.values())
        free = [names[name] for name in known if name in names and names[name] not in paths.values()]
        if free and key not in dict(wanted):
            paths[key] = free[0]
    return Columns(paths, next((name for name, table in tables.items() if "marks" in table), None))


@lru_cache(maxsize=1)
def _exports() -> dict[str, dict[str, list[str]]]:
    return {
        name: {key: [folded(heading) for heading in headings.split("|")] for key, headings in table.items()}
        for name, table in tomllib.loads(_EXPORTS).items()
    }


def folded(heading: str) -> str:
    """A heading without case, spaces, signs and diacritics; dots between nested names stay."""
    parts = ("".join(filter(str.isalnum, part)) for part in plain(heading).split("."))
    return ".".join(filter(None, parts))


def plain(text: str) -> str:
    """Text without case and diacritics."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in letters if unicodedata.category(letter) != "Mn").replace("đ", "d")
