"""Shared by all tests: no network but loopback, and no settings of the machine they run on."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings
from pytest_socket import socket_allow_hosts

pytest_plugins = ("tape",)

# Shared and loaded machines stall now and then; a slow example is not a failed one.
settings.register_profile("calmreply", deadline=None)
settings.load_profile("calmreply")


@pytest.fixture(autouse=True)
def _loopback_only() -> None:
    """Let tests talk to servers of their own and to nobody else; pytest-socket lifts it after each test."""
    socket_allow_hosts(["127.0.0.1", "::1"], allow_unix_socket=True)


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key or an address in the environment must neither be spent nor change a result."""
    for name in [name for name in os.environ if name.startswith(("OPENAI_", "CALMREPLY_"))]:
        monkeypatch.delenv(name)
