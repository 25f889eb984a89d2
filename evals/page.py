"""One self-contained HTML page of every case in some logs, to be filtered and read in a browser.

Review text is hostile: it goes into the page as JSON in which no tag can end or begin, and is shown as text
alone. The page's policy allows no script, style or address but its own.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evals.figures import block_of, scores_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from inspect_ai.log import EvalLog, EvalSample

__all__ = ["case_of", "page_of"]

_FOLDER = Path(__file__).with_name("page")
_ESCAPES = {ord(char): f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}


def page_of(logs: Iterable[EvalLog]) -> str:
    """The page, as HTML, with every sample of the logs."""
    cases = [case_of(block_of(log), sample) for log in logs for sample in log.samples or ()]
    script, style = ((_FOLDER / name).read_text("utf-8") for name in ("page.js", "page.css"))
    policy = f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'"
    data = json.dumps(cases, ensure_ascii=False).translate(_ESCAPES)
    frame = (_FOLDER / "page.html").read_text("utf-8")
    # Placeholders are filled from left to right, so that none is looked for in what was put in.
    parts = {"policy": html.escape(policy), "style": style, "data": data, "script": script}
    page = ""
    for name, value in parts.items():
        before, _, frame = frame.partition(f"[[{name}]]")
        page += before + value
    return (page + frame).encode("utf-8", "replace").decode("utf-8")


def case_of(block: str, sample: EvalSample) -> dict[str, Any]:
    """What the page shows of a sample.

    A sample whose solver left a `reply`, a `reading` or `violations` in its store shows them; any other
    shows input, output and scores.
    """
    metadata, store = sample.metadata or {}, sample.store or {}
    reply = store.get("reply") or {}
    reading = reply.get("classification") or store.get("reading") or {}
    plan = reply.get("plan") or metadata.get("plan") or {}
    attempts, violations = reply.get("attempts") or [], store.get("violations") or []
    return {
        "block": block,
        "id": str(sample.id),
        "language": metadata.get("language", ""),
        "complaint": plan.get("complaint") or reading.get("complaint") or metadata.get("complaint", ""),
        "source": reply.get("source", ""),
        "rules": sorted(
            {
                one["rule"]
                for found in (violations, *(try_["violations"] for try_ in attempts))
                for one in found
            }
        ),
        "review": metadata.get("review") or {"text": _text(sample.input)},
        "reading": reading,
        "plan": plan,
        "labelled": metadata.get("labelled") or metadata.get("signals"),
        "note": metadata.get("note", ""),
        "attempts": [
            {key: one.get(key) for key in ("draft", "violations", "finish_reason", "error", "seconds")}
            for one in attempts
        ],
        "text": store.get("text") or (sample.output.completion if sample.output else ""),
        "violations": violations,
        "publishable": reply.get("publishable"),
        "reasons": reply.get("reasons") or [],
        "scores": {name: value for name, _, value in scores_of(sample) if _is_telling(value)},
        "wrong": {name: one.explanation for name, one in (sample.scores or {}).items() if one.explanation},
    }


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "\n\n".join(one.text for one in value)


def _is_telling(value: Any) -> bool:
    return not (isinstance(value, float) and math.isnan(value))


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
