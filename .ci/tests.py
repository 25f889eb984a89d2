# ruff: noqa: INP001 - a script, no package
"""Runs pytest, and fails if not one test ran: a suite of skipped ones proves nothing.

Usage: python .ci/tests.py PYTEST-OPTIONS…
"""

from __future__ import annotations

import sys

import pytest


class _Counter:
    """Counts the tests that passed."""

    passed = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Called by pytest for each phase of each test, those of its workers too."""
        self.passed += report.when == "call" and report.passed


if __name__ == "__main__":
    counter = _Counter()
    code = pytest.main(sys.argv[1:], plugins=[counter])
    if not counter.passed:
        sys.exit("no test ran")
    sys.exit(code)
