"""Records of a Parquet file, in batches, through pyarrow (the extra `parquet`)."""

from __future__ import annotations

from datetime import date, datetime, time
from math import isfinite
from typing import TYPE_CHECKING, Any

from calmreply.errors import InputError
from calmreply.records import json_record

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from calmreply.headings import Wanted
    from calmreply.records import Record

__all__ = ["ENDINGS", "parquet_records"]

ENDINGS = frozenset({".parquet", ".pq"})
"""The endings of Parquet files."""

_BATCH_ROWS = 1000


def parquet_records(path: str | Path, wanted: Wanted) -> Generator[Record]:
    """Records of the rows of a file, a thousand in memory at a time.

    Raises:
        InputError: pyarrow is not installed, or the file cannot be read to its end.
    """
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        raise InputError(
            "Parquet files need pyarrow, which is not installed", hint='pip install "calmreply[parquet]"'
        ) from None
    try:
        with parquet.ParquetFile(path, pre_buffer=False) as file:
            for batch in file.iter_batches(batch_size=_BATCH_ROWS):
                for row in batch.to_pylist():
                    yield json_record(0, _plain(row), wanted)
    except (pa.ArrowException, OSError) as error:
        reason = getattr(error, "strerror", None) or "it is damaged, or no Parquet file"
        raise InputError(f"cannot read {str(path)!r}: {reason}", hint="write it again") from None


def _plain(value: Any) -> Any:
    """A value as JSON could hold it: times and decimals as text, what is no number as nothing."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if value is None or isinstance(value, str | int) else str(value)
