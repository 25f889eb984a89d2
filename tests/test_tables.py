"""Rows come in from every usual export, whole and in order, and go out without loss."""

from __future__ import annotations

import csv
import io
import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_socket import SocketConnectBlockedError

from calmreply.errors import InputError
from calmreply.tables import BadRow, Format, Row, parse_mapping, parse_stars, read_rows, write_rows


def rows_of(data: str | bytes, **options: Any) -> list[Row | BadRow]:
    source = io.BytesIO(data if isinstance(data, bytes) else data.encode())
    return list(read_rows(source, **options))


def good(rows: list[Row | BadRow]) -> list[Row]:
    assert not [row for row in rows if isinstance(row, BadRow)]
    return [row for row in rows if isinstance(row, Row)]


def lines(*records: Any) -> str:
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


# -- exports, as each source lays them out; the rows are made up ---------------------------------------

PLAY_HEADINGS = (
    "Package Name,App Version Code,App Version Name,Reviewer Language,Device,Review Submit Date and Time,"
    "Review Submit Millis Since Epoch,Review Last Update Date and Time,Review Last Update Millis Since Epoch,"
    "Star Rating,Review Title,Review Text,Developer Reply Date and Time,Developer Reply Millis Since Epoch,"
    "Developer Reply Text,Review Link"
)
PLAY = PLAY_HEADINGS + (
    '\ncom.shop,7,1.2,vi,oriole,2026-03-01T08:00:00Z,1,2026-03-02T08:00:00Z,2,1,Tệ,"Mở app là văng, '
    '""lỗi"" hoài\nxoá luôn",,,,http://play/1'
    "\ncom.shop,7,1.2,en,oriole,2026-03-03T08:00:00Z,3,2026-03-03T08:00:00Z,3,2,,,2026-03-04T08:00:00Z,4,"
    "Thanks for telling us.,\n"
)
GOOGLE = {
    "reviews": [
        {
            "name": "accounts/1/locations/2/reviews/a",
            "reviewer": {"displayName": "Ngọc Lan", "isAnonymous": False},
            "starRating": "ONE",
            "comment": "Cốc vỡ khi nhận hàng.",
            "createTime": "2026-01-02T03:04:05Z",
            "reviewReply": {"comment": "Cảm ơn bạn.", "updateTime": "2026-01-03T00:00:00Z"},
        },
        {
            "name": "accounts/1/locations/2/reviews/b",
            "reviewer": {"isAnonymous": True},
            "starRating": "TWO",
            "createTime": "2026-01-04T00:00:00Z",
        },
    ]
}
APP_STORE = {
    "data": [
        {
            "type": "customerReviews",
            "id": "r-9",
            "attributes": {
                "rating": 1,
                "title": "Crashes",
                "body": "It closes at checkout.",
                "reviewerNickname": "pat",
                "createdDate": "2026-02-02T10:00:00-08:00",
                "territory": "USA",
            },
        }
    ],
    "links": {"self": "x"},
}
SHOPEE = (
    "Mã đơn hàng;Tên sản phẩm;Đánh giá;Nội dung đánh giá;Tên người mua;Phản hồi của người bán;Kho\n"
    '2403A;Áo len;★☆☆☆☆;"Áo rách; shop không trả lời";minhanh_98;;HN\n'
)
TRUSTPILOT = (
    "Review Created (UTC),Review Username,Review Title,Review Content,Review Stars,Reference Id,"
    "Reply Content\n"
    '2026-05-05,J. Doe,Late,"Two weeks late, no answer.",1,A-77,\n'
)


def test_google_play_console_csv_in_utf_16(tmp_path: Path) -> None:
    path = tmp_path / "reviews_com.shop_202603.csv"
    path.write_bytes(PLAY.encode("utf-16"))
    first, second = good(list(read_rows(path)))
    assert first.values | {"id": ""} == {
        "text": 'Mở app là văng, "lỗi" hoài\nxoá luôn',
        "stars": 1,
        "created_at": "2026-03-01T08:00:00Z",
        "platform": "google_play",
        "id": "",
    }
    assert first.extra["Review Title"] == "Tệ"
    assert first.extra["Review Link"] == "http://play/1"
    assert second.values["text"] == ""
    assert second.values["reply"] == "Thanks for telling us."


@pytest.mark.parametrize("indent", [None, 2])
def test_google_business_takeout(tmp_path: Path, indent: int | None) -> None:
    path = tmp_path / "reviews.json"
    path.write_text(json.dumps(GOOGLE, indent=indent), encoding="utf-8")
    first, second = good(list(read_rows(path)))
    assert first.values == {
        "id": "accounts/1/locations/2/reviews/a",
        "text": "Cốc vỡ khi nhận hàng.",
        "stars": 1,
        "author": "Ngọc Lan",
        "created_at": "2026-01-02T03:04:05Z",
        "platform": "google_business",
        "reply": "Cảm ơn bạn.",
    }
    assert first.extra == {
        "reviewer": {"isAnonymous": False},
        "reviewReply": {"updateTime": "2026-01-03T00:00:00Z"},
    }
    assert (second.values["text"], second.values["stars"]) == ("", 2)
    assert "author" not in second.values


def test_app_store_connect() -> None:
    (row,) = good(rows_of(json.dumps(APP_STORE)))
    assert row.values == {
        "id": "r-9",
        "text": "It closes at checkout.",
        "stars": 1,
        "author": "pat",
        "created_at": "2026-02-02T10:00:00-08:00",
        "platform": "app_store",
    }
    assert row.extra == {"type": "customerReviews", "attributes": {"title": "Crashes", "territory": "USA"}}


@pytest.mark.parametrize("bare", [False, True])
def test_shopee_with_and_without_diacritics(bare: bool) -> None:  # noqa: FBT001 - a parameter of the case
    headings, body = SHOPEE.split("\n", 1)
    if bare:
        headings = (
            "MA DON HANG;ten san pham;danh gia;Noi dung danh gia;ten_nguoi_mua;Phan hoi cua nguoi ban;Kho"
        )
    (row,) = good(rows_of(f"{headings}\n{body}"))
    assert row.values | {"id": ""} == {
        "text": "Áo rách; shop không trả lời",
        "stars": 1,
        "author": "minhanh_98",
        "product": "Áo len",
        "order_id": "2403A",
        "id": "",
    }
    assert row.extra == {"Kho": "HN"}


def test_trustpilot() -> None:
    (row,) = good(rows_of(TRUSTPILOT))
    assert row.values["text"] == "Two weeks late, no answer."
    assert (row.values["stars"], row.values["author"], row.values["order_id"]) == (1, "J. Doe", "A-77")
    assert row.extra == {"Review Title": "Late"}


# -- columns --------------------------------------------------------------------------------------------


def test_a_column_called_danh_gia_is_the_text_when_there_is_no_other() -> None:
    (row,) = good(rows_of("Đánh giá,Số sao\ntệ,1\n"))
    assert (row.values["text"], row.values["stars"]) == ("tệ", 1)


def test_rows_of_check_hold_a_review_a_reply_and_a_plan() -> None:
    plan = {"complaint": "late", "remedy": None}
    nested = {
        "id": "c1",
        "review": {"text": "late", "author": "Ann", "stars": 1, "id": "r1"},
        "reply": "Sorry.",
    }
    sheet = io.StringIO()
    csv.writer(sheet).writerows(
        [["text", "reply", "plan"], ["late", "Sorry.", json.dumps(plan)], ["b", "c", ""]]
    )
    (deep,) = good(rows_of(lines(nested | {"plan": plan})))
    flat, without = good(rows_of(sheet.getvalue()))
    assert deep.values == {
        "id": "c1",
        "text": "late",
        "stars": 1,
        "author": "Ann",
        "reply": "Sorry.",
        "plan": plan,
    }
    assert deep.extra == {"review": {"id": "r1"}}
    assert flat.values["plan"] == plan
    assert "plan" not in without.values


@pytest.mark.parametrize("plan", ["{oops", "[]", "7"])
def test_a_plan_that_is_no_object_is_a_bad_row(plan: str) -> None:
    first, second = rows_of(lines({"text": "a", "plan": plan}, {"text": "b"}))
    assert first == BadRow(1, "plan is no JSON object (line 1)")
    assert isinstance(second, Row)


def test_mapping_names_columns_and_says_which_there_are() -> None:
    mapping = parse_mapping(["text=Opinion", " author = Who "])
    (row,) = good(rows_of("Opinion,Who,text\nbad,Ann,x\n", mapping=mapping))
    assert (row.values["text"], row.values["author"], row.extra) == ("bad", "Ann", {"text": "x"})
    (row,) = good(
        rows_of(
            lines({"opinion": "bad", "p": {"complaint": "late"}}), mapping={"text": "Opinion", "plan": "p"}
        )
    )
    assert row.values["plan"] == {"complaint": "late"}
    for data in ("Opinion,Who\nbad,Ann\n", lines({"Opinion": "bad", "Who": "Ann"})):
        with pytest.raises(InputError, match=r"'Words' for text.*--map text=COLUMN.*'Opinion', 'Who'"):
            rows_of(data, mapping={"text": "Words"})
        with pytest.raises(InputError, match="no column holds the text"):
            rows_of(data)


@pytest.mark.parametrize("option", ["text", "text=", "=Opinion", "txt=Opinion"])
def test_a_mapping_that_cannot_be_read_lists_the_keys(option: str) -> None:
    with pytest.raises(InputError, match="KEY is one of author, created_at"):
        parse_mapping([option])


def test_twin_and_nameless_columns_are_carried_through() -> None:
    (row,) = good(rows_of("text,note,note,\na,1,2,3\n"))
    assert row.extra == {"note": "1", "note (2)": "2", "column 4": "3"}


@pytest.mark.parametrize(
    ("written", "stars"),
    [
        *(
            (form, 1)
            for form in ("1", "1.0", "1,0", 1, 1.0, "ONE", "★☆☆☆☆", "⭐️", "1/5", "1 sao", "1 star", "Một sao")
        ),
        *((form, 5) for form in ("5 out of 5 stars", "★ ★ ★ ★ ★", "FIVE", "5 trên 5", "Rated 5.0 out of 5")),
        *(
            (form, None)
            for form in ("0", "6", "2.5", "8/10", "☆☆☆☆☆", "STAR_RATING_UNSPECIFIED", "n/a", True, None)
        ),
    ],
)
def test_stars(written: object, stars: int | None) -> None:
    assert parse_stars(written) == stars


def test_stars_not_understood_keep_the_original() -> None:
    bad, none = good(rows_of("text,stars\na,n/a\nb,\n"))
    assert (bad.values["stars"], bad.extra) == (None, {"stars": "n/a"})
    assert "stars" not in none.values


def test_ids_are_made_from_place_and_content_and_twins_are_reported() -> None:
    first, again, other = (
        good(rows_of(f"text\nx\n{text}\n"))[1].values["id"] for text in ("bad", "bad", "worse")
    )
    assert first == again != other
    assert first.startswith("row-2-")
    assert len(first) == len("row-2-1a2b3c")
    rows = rows_of(lines({"id": "a", "text": "1"}, {"id": 7, "text": "2"}, {"id": "a", "text": "3"}))
    assert rows[2] == BadRow(3, "the same id as row 1 (line 3)")


# -- encodings and shapes -------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_encodings_separators_and_line_ends(encoding: str, separator: str, ending: str) -> None:
    data = ending.join(
        [
            f'Nội dung{separator}"ghi chú, riêng"',
            f'"một; hai,\tba{ending}""bốn"""{separator}n',
            f"x{separator}",
            "",
        ]
    )
    first, second = good(rows_of(data.encode(encoding)))
    assert first.values["text"] == f'một; hai,\tba{ending}"bốn"'
    assert first.extra == {"ghi chú, riêng": "n"}
    assert second.values["text"] == "x"


def test_utf_16_of_either_end() -> None:
    for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        (row,) = good(rows_of(mark + lines({"text": "đ"}).encode(encoding)))
        assert row.values["text"] == "đ"


def test_bytes_that_are_no_utf_8_cost_their_row_alone() -> None:
    sheet = "text,stars\nxấu,1\nhỏng,1\ntệ,2\n".encode().replace(
        "hỏng".encode(), "hỏng".encode("cp1258", "replace") + b"\xe0"
    )
    json_lines = lines({"text": "xấu"}, {"text": "HERE"}, {"text": "tệ"}).encode().replace(b"HERE", b"\xe0")
    document = b"[" + b",".join(json_lines.splitlines()) + b"]"
    for data in (sheet, json_lines, document):
        first, second, third = rows_of(data)
        assert isinstance(first, Row)
        assert isinstance(third, Row)
        assert isinstance(second, BadRow)
        assert (second.number, second.reason[:9]) == (2, "not UTF-8")


def test_half_a_character_in_an_escape_is_replaced() -> None:
    (row,) = good(rows_of('{"text": "ok \\ud83d"}\n'))
    assert row.values["text"] == "ok \ufffd"


def test_a_stray_quote_costs_its_own_line() -> None:
    rows = rows_of('text,stars\n"never closed,1\ngood,2\n"He said "no" twice",1\nalso good,3\n')
    assert [type(row) for row in rows] == [BadRow, Row, BadRow, Row]
    assert [row.values["text"] for row in rows if isinstance(row, Row)] == ["good", "also good"]
    assert str(rows[0]).count("(line 2)") == 1


def test_cells_beyond_the_headings_are_a_bad_row_and_missing_ones_are_empty() -> None:
    long, short, padded = rows_of("text,stars,note\ntoo, many,1,x\nfew\npadded,1,,,\n")
    assert long == BadRow(1, "4 cells under 3 headings; quote text with commas (line 2)")
    assert isinstance(short, Row)
    assert short.extra == {"note": ""}
    assert isinstance(padded, Row)


def test_excels_own_first_line_names_the_separator() -> None:
    (row,) = good(rows_of("sep=;\ntext;a,b,c\nx;1\n"))
    assert row.extra == {"a,b,c": "1"}


def test_json_lists_documents_and_objects_over_several_lines() -> None:
    rows = [{"text": "a"}, {"text": "b"}]
    for data in (
        json.dumps(rows),
        json.dumps(rows, indent=1),
        "\n".join(json.dumps(row, indent=1) for row in rows),
    ):
        assert [row.values["text"] for row in good(rows_of(data))] == ["a", "b"]
    assert [type(row) for row in rows_of('{\n"text": "a"}\n{"text": ')] == [Row, BadRow]
    with pytest.raises(InputError, match=r"not JSON: .* \(line 2, column"):
        rows_of('[\n{"text": "a"},,]')


@pytest.mark.parametrize(
    "line",
    [
        '{"text": ',
        "3",
        "null",
        '"a"',
        '{"text": ["a"]}',
        '{"other": 1}',
        "[" * 9999,
        '{"text": 1' + "0" * 5000 + "}",
    ],
)
def test_a_line_that_is_no_row_is_reported_without_its_content(line: str) -> None:
    first, second, third = rows_of(lines({"text": "a"}) + f"\n{line}\n" + lines({"text": "b"}))
    assert isinstance(second, BadRow)
    assert second.number == 2
    assert "line 3" in second.reason or "line 1" in second.reason
    assert (type(first), type(third)) == (Row, Row)


def test_numbers_that_json_cannot_hold_are_kept_as_text_or_nothing() -> None:
    (row,) = good(rows_of('{"text": 12, "a": 1e999, "b": NaN, "c": 1.5}\n'))
    assert (row.values["text"], row.extra) == ("12", {"a": "1e999", "b": None, "c": 1.5})


def test_a_long_cell_is_read_and_rows_come_one_by_one() -> None:
    text = "rất tệ " * 1_500_000
    assert good(rows_of(f'text,n\n"{text}",1\n'))[0].values["text"] == text
    assert good(rows_of(lines({"text": text})))[0].values["text"] == text


def test_rows_come_one_by_one_from_a_stream_without_end() -> None:
    class Endless(io.StringIO):
        def __next__(self) -> Any:
            return "text\n"

    rows = read_rows(Endless(), format="csv")
    assert [next(rows).number for _ in range(3)] == [1, 2, 3]


def test_nothing_in_is_nothing_out() -> None:
    for data in ("", "\n\n", "text\n", "[]", '{"reviews": []}'):
        assert rows_of(data) == []


@pytest.mark.parametrize(
    "data", [b"PK\x03\x04zip", lines({"text": "a"}).encode("utf-16-le"), b"t\xe0xt;a\n1;2\n"]
)
def test_what_is_no_table_says_how_to_save_it(data: bytes) -> None:
    with pytest.raises(InputError, match="save it as CSV"):
        rows_of(data)


def test_a_path_that_cannot_be_opened(tmp_path: Path) -> None:
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(InputError, match="cannot read"):
            list(read_rows(path))
        with pytest.raises(InputError, match="cannot write"), write_rows(path / "x" / "y.jsonl"):
            raise AssertionError


def test_format_goes_by_option_then_ending_then_first_character(tmp_path: Path) -> None:
    path = tmp_path / "rows.txt"
    path.write_text("text\n{}\n", encoding="utf-8")
    assert good(list(read_rows(str(path))))[0].values["text"] == "{}"
    assert good(rows_of('{"text"\n1\n', format="csv", mapping={"text": '{"text"'}))
    assert len(rows_of("text\n", format="jsonl")) == 1


def test_standard_input_and_output(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO("\ufeff text ; n\nđẹp;1\n".encode())))
    with write_rows("-", source="-") as out:
        for row in good(list(read_rows(Path("-")))):
            out.write(row.values | row.extra | {"id": "a"})
    assert json.loads(capsys.readouterr().out) == {"id": "a", "text": "đẹp", "n": "1"}


def test_nothing_of_a_row_shows_in_its_repr() -> None:
    (row,) = good(rows_of(lines({"text": "secret words", "phone": "0900000000"})))
    assert repr(row) == "Row(number=1)"


# -- writing --------------------------------------------------------------------------------------------

ANY = st.text(st.characters(codec="utf-8"))
CELLS = st.one_of(ANY, st.sampled_from(["=1+1", "'=x", "''+y", "-5", "'-5", "@a", "\tb", "\rc", "+84 90"]))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | CELLS,
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=5,
)
NAMES = st.sampled_from(["x1", "ghi chú", "=x", "a,b", 'q"', "x;2"])


@given(st.lists(st.tuples(CELLS, st.dictionaries(NAMES, VALUES)), max_size=5))
def test_json_lines_come_back_as_they_were(rows: list[tuple[str, dict[str, Any]]]) -> None:
    out = io.StringIO()
    with write_rows(out) as writer:
        for number, (text, extra) in enumerate(rows):
            writer.write({"id": str(number), "text": text, **extra})
    assert len(out.getvalue().splitlines()) == len(rows)
    assert [(row.values["text"], row.extra) for row in good(rows_of(out.getvalue()))] == rows


@given(st.lists(st.tuples(CELLS, st.dictionaries(NAMES, CELLS)), min_size=1, max_size=5))
def test_csv_comes_back_as_it_was(rows: list[tuple[str, dict[str, Any]]]) -> None:
    out = io.StringIO(newline="")
    with write_rows(out, format="csv") as writer:
        for number, (text, extra) in enumerate(rows):
            writer.write({"id": str(number), "text": text, **extra})
    columns = {name: "" for _, extra in rows for name in extra}
    expected = [(text, columns | extra) for text, extra in rows]
    assert [(row.values["text"], row.extra) for row in good(rows_of(out.getvalue()))] == expected


@given(st.binary(max_size=200), st.sampled_from(["csv", "jsonl", None]))
def test_no_bytes_break_the_reader(data: bytes, kind: Format | None) -> None:
    try:
        rows = rows_of(data, format=kind)
    except InputError:
        return
    assert [row.number for row in rows] == list(range(1, len(rows) + 1))


def test_csv_has_all_columns_nested_values_as_json_and_no_formulas(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    with write_rows(path) as writer:
        writer.write({"id": "1", "text": "=HYPERLINK(1)", "ok": True, "n": -1, "none": None})
        writer.write({"id": "2", "text": "-5.5", "violations": [{"rule": "độ dài"}]})
    with path.open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [
            ["id", "text", "ok", "n", "none", "violations"],
            ["1", "'=HYPERLINK(1)", "true", "-1", "", ""],
            ["2", "-5.5", "", "", "", '[{"rule": "độ dài"}]'],
        ]


def test_tsv_is_written_with_tabs(tmp_path: Path) -> None:
    path = tmp_path / "out.tsv"
    with write_rows(path) as writer:
        writer.write({"id": "1", "text": "a,b"})
    assert path.read_bytes() == b"id\ttext\r\n1\ta,b\r\n"


def stop_after_one_row(target: Any) -> None:
    with write_rows(target) as writer:
        writer.write({"id": "1"})
        if not isinstance(target, Path):
            assert target.getvalue() == '{"id": "1"}\n'
        raise KeyboardInterrupt


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_text("old", encoding="utf-8")
    path.chmod(0o600)
    link = tmp_path / "link.jsonl"
    link.symlink_to(path)
    with pytest.raises(KeyboardInterrupt):
        stop_after_one_row(path)
    assert path.read_text(encoding="utf-8") == "old"
    with write_rows(link) as writer:
        writer.write({"id": "1\u2028\x85", "text": "half \ud83d"})
    assert path.read_text(encoding="utf-8") == '{"id": "1\\u2028\\u0085", "text": "half \\ud83d"}\n'
    assert (path.stat().st_mode & 0o777, link.is_symlink()) == (0o600, True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.jsonl", "out.jsonl"]


def test_a_stream_gets_each_row_at_once_and_keeps_them_when_stopped() -> None:
    out = io.StringIO()
    with pytest.raises(KeyboardInterrupt):
        stop_after_one_row(out)
    assert out.getvalue() == '{"id": "1"}\n'
    assert not out.closed


def test_a_device_is_written_and_not_replaced() -> None:
    with write_rows(Path(os.devnull)) as writer:
        writer.write({"id": "1"})
    assert not Path(os.devnull).is_file()


def test_the_input_is_never_the_output(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text(lines({"text": "a"}), encoding="utf-8")
    (tmp_path / "link.jsonl").symlink_to(path)
    with path.open("rb") as stream:
        for source in (path, str(path), stream):
            for target in (path, tmp_path / "link.jsonl"):
                with pytest.raises(InputError, match="is the input itself"):
                    write_rows(target, source=source)
    assert path.read_text(encoding="utf-8") == lines({"text": "a"})


# -- the fixtures every test runs under -----------------------------------------------------------------


def test_the_network_is_blocked_and_the_environment_is_bare() -> None:
    with pytest.warns(UserWarning, match="tried to use"), pytest.raises(SocketConnectBlockedError):
        socket.create_connection(("192.0.2.1", 80), timeout=0.01)
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        assert not [name for name in os.environ if name.startswith(("OPENAI_", "CALMREPLY_"))]
