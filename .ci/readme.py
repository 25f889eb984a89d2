# ruff: noqa: INP001 - a script, no package
"""Runs the README's examples: each Python block, and each shell line that begins with `calmreply`.

A block that begins with `# needs:` is left out, and so is what fetches. Usage: python .ci/readme.py README.md
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

_FENCE = re.compile(r"^```(\w+)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_NEEDS = "# needs:"  # a first line that says what the reader must have, and nobody here has
_LEFT_OUT = (
    *("calmreply model fetch", "calmreply model verify", "calmreply model remove"),
    *("calmreply batch submit", "calmreply batch collect"),  # they ask a server
)
_FINE = {0, 1}  # 1 is findings, or a reply that needs a person
_FILES = {
    "reviews.csv": "id,text,author,stars\n1,The mug arrived cracked in two.,Anna,1\n2,Late.,Ben,1\n",
    "replies.jsonl": '{"id": "1", "text": "The mug arrived cracked.", "reply": "Buy another one."}\n',
}


def main(path: Path) -> None:
    """Run the examples in a folder of their own, by templates alone.

    The Python blocks are one program, as a reader would type them one after the other.

    Raises:
        SystemExit: an example fails, or there is none.
    """
    root = path.resolve().parent
    blocks = _FENCE.findall(path.read_text("utf-8"))
    programs = [body for language, body in blocks if language == "python" and not body.startswith(_NEEDS)]
    lines = [line for language, body in blocks if language == "sh" for line in _commands(body)]
    if not programs:
        sys.exit(f"no Python example in {path}")
    with tempfile.TemporaryDirectory() as folder:
        policy = (root / "src/calmreply/data/examples/ceramics.toml").read_text("utf-8")
        for name, text in {**_FILES, "shop.toml": policy}.items():
            (Path(folder) / name).write_text(text, "utf-8")
        _run([sys.executable, "-W", "error", "-c", "\n".join(programs)], folder, "the Python examples", {0})
        for line in lines:
            command = [sys.executable, "-m", *shlex.split(line, comments=True)]
            _run(command, folder, line, _FINE)
    print(f"{path.name}: {len(programs)} Python examples and {len(lines)} commands run")  # noqa: T201 - a report


def _commands(body: str) -> list[str]:
    """Our own commands in a block; those that fetch are left to the reader."""
    lines = [line.strip() for line in body.replace("\\\n", " ").splitlines()]
    return [line for line in lines if line.startswith("calmreply ") and not line.startswith(_LEFT_OUT)]


def _run(command: list[str], folder: str, what: str, fine: set[int]) -> None:
    settings = {
        key: value for key, value in os.environ.items() if not key.startswith(("OPENAI_", "CALMREPLY_"))
    }
    settings |= {"CALMREPLY_MODEL_DIR": str(Path(folder) / "no-model"), "HF_HUB_OFFLINE": "1"}
    if " demo" in what and "--no-" not in what:
        command.append("--no-fetch")
    done = subprocess.run(  # noqa: S603 - the README's own examples
        command,
        cwd=folder,
        env=settings,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=120,
    )
    if done.returncode not in fine:
        sys.exit(f"{what}: exit code {done.returncode}\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
