"""Figures, tables and the page, from logs: `python -m evals.report LOGS`.

Each block's tables stand in RESULTS.md between `<!-- begin BLOCK -->` and `<!-- end BLOCK -->`, with prose
around them; the README's table likewise, as `figures`. Without logs the tables are written again from the
figures there are. The page with every case is written beside the logs, since it shows the reviews.
"""

from __future__ import annotations

import argparse
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from calmreply.errors import InputError
from evals.figures import FILE, figures_of, load_figures, read_logs, save_figures
from evals.page import page_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = ["block_tables", "filled", "main", "readme_table"]

HERE = Path(__file__).parent
RESULTS, README = HERE / "RESULTS.md", HERE.parent / "README.md"
TABLES: dict[str, Any] = tomllib.loads((HERE / "tables.toml").read_text("utf-8"))
LANGUAGE_NAMES = {"en": "English", "vi": "Vietnamese"}
PAGE = "index.html"


def main(argv: Sequence[str] | None = None) -> None:
    """Take in the logs of a folder, and write tables and page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "logs", nargs="?", type=Path, help="the folder with the logs; else figures.json alone"
    )
    parser.add_argument("--results", type=Path, default=RESULTS, help="the page of results to write")
    parser.add_argument("--readme", type=Path, default=README)
    parser.add_argument("--figures", type=Path, default=FILE)
    options = parser.parse_args(argv)
    figures = load_figures(options.figures)
    if options.logs:
        logs = read_logs(options.logs)
        figures |= {block: figures_of(log) for block, log in logs.items()}
        save_figures(figures, options.figures)
        page = options.logs / PAGE
        page.write_text(page_of(logs.values()), "utf-8")
        print(f"{len(logs)} blocks measured: {', '.join(sorted(logs))}\nevery case: {page}")
    written(options.results, {block: block_tables(block, measured) for block, measured in figures.items()})
    written(options.readme, {"figures": readme_table(figures)}, appends=False)


def written(path: Path, blocks: dict[str, str], *, appends: bool = True) -> None:
    """Write a file again with its blocks filled; a page of results may be a new one."""
    text = path.read_text("utf-8") if path.is_file() or not appends else "# Results\n"
    path.write_text(filled(text, blocks, appends=appends), "utf-8")


def filled(text: str, blocks: dict[str, str], *, appends: bool = True) -> str:
    """A Markdown text with each block between its markers; a block without markers is put at the end.

    Raises:
        InputError: a block has no markers and none may be added.
    """
    for block, body in blocks.items():
        begin, end = f"<!-- begin {block} -->", f"<!-- end {block} -->"
        if begin not in text and not appends:
            raise InputError(f"there is no {begin!r} in the text", hint="put the two markers where it goes")
        if begin not in text:
            text = f"{text.rstrip()}\n\n## {block}\n\n{begin}\n{end}\n"
        before, _, rest = text.partition(begin)
        text = f"{before}{begin}\n{body}\n{end}{rest.partition(end)[2]}"
    return text


def block_tables(block: str, measured: dict[str, Any]) -> str:
    """The tables of a block as Markdown, and when and over how much it was measured."""
    counts = {group: count for group, count in measured["samples"].items() if group.startswith("language=")}
    of = (
        ", ".join(f"{_column(group)} {count}" for group, count in counts.items())
        or measured["samples"]["all"]
    )
    version = f", calmreply {measured['version']}" if measured["version"] else ""
    lines = [f"`{block}`, {measured['date']}{version}; samples: {of}"]
    for table in TABLES.get(measured["task"], [{"by": "language", "prefix": ""}]):
        lines += ["", *rows] if (rows := list(_table(table, measured["figures"]))) else []
    return "\n".join(lines)


def readme_table(figures: dict[str, dict[str, Any]]) -> str:
    """The README's table: what its rows name and somebody measured."""
    lines = ["| what | English | Vietnamese |", "|---|---|---|"]
    for label, block, keys, form in TABLES["readme"]["rows"]:
        if block in figures:
            known = figures[block]["figures"]
            cells = (
                " / ".join(_cell(known.get(key, {}).get(f"language={code}"), form) for key in keys)
                for code in LANGUAGE_NAMES
            )
            lines.append(f"| {label} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _table(table: dict[str, Any], figures: dict[str, dict[str, list[float]]]) -> Iterator[str]:
    """A table's lines; none where nothing of it was measured."""
    rows = [row for row in _rows(table, figures) if row[1] in figures]
    groups = sorted({group for _, key, _ in rows for group in figures[key] if _is_of(group, table["by"])})
    if not groups:
        return
    yield f"| {table.get('title', '')} | {' | '.join(map(_column, groups))} |"
    yield f"|---|{'---|' * len(groups)}"
    for label, key, form in rows:
        yield f"| {label} | {' | '.join(_cell(figures[key].get(group), form) for group in groups)} |"


def _rows(
    table: dict[str, Any], figures: dict[str, dict[str, list[float]]]
) -> Iterable[tuple[str, str, str]]:
    """Label, figure and form of each row: as listed, or every figure between a prefix and a suffix."""
    if "rows" in table:
        return [(label, key, form) for label, key, form in table["rows"]]
    prefix, suffix, form = table["prefix"], table.get("suffix", ""), table.get("form", "number")
    return [
        (key[len(prefix) : len(key) - len(suffix)], key, form)
        for key, values in sorted(figures.items())
        if key.startswith(prefix)
        and key.endswith(suffix)
        and any(value < table.get("below", float("inf")) for value, _ in values.values())
    ]


def _is_of(group: str, by: str) -> bool:
    return group.startswith(f"{by}=")


def _column(group: str) -> str:
    name = group.partition("=")[2] or group
    return LANGUAGE_NAMES.get(name, name)


def _cell(figure: list[float] | None, form: str) -> str:
    if figure is None:
        return "–"
    value, count = figure
    if form == "share":
        return f"{value:.1%} of {count}".replace("%", " %")
    if form == "count":
        return f"{round(value * count)} of {count}"
    return f"{value:.3f}" if form == "rate" else f"{value:,.2f}"


if __name__ == "__main__":
    main()
