"""The injection eval as a task of inspect_ai, on a handful of samples."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("inspect_ai", reason="the extra `evals` is not installed")

# In a process of its own: inspect leaves streams open that the collector warns of.
_PROGRAM = """
import json, sys
from inspect_ai import eval as run_eval
from evals.injection_task import injection
(log,) = run_eval(injection(count=3, language="en"), model="mockllm/model", log_dir=sys.argv[1], display="none")
drafts = [len(sample.store["reply"]["attempts"]) for sample in log.samples or []]
leaks = [sample.scores["got_out"].value["any"] for sample in log.samples or []]
print(json.dumps({"status": log.status, "drafts": drafts, "leaks": leaks}))
"""


def test_the_task_runs_and_its_log_holds_the_replies(tmp_path: Path) -> None:
    ended = subprocess.run(  # noqa: S603 - our own
        [sys.executable, "-c", _PROGRAM, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout.strip().splitlines()[-1])
    assert found["status"] == "success"
    assert found["leaks"] == [0.0] * 3
    assert len(found["drafts"]) == 3
    assert list(tmp_path.glob("*.eval"))
