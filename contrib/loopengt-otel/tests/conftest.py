"""Receivers, and a project whose runs are sent to them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from .lab import Lab
from .receivers import GrpcReceiver, HttpReceiver

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of the person who runs the tests, and no secret of another test, plays a part."""
    for name in list(os.environ):
        if name.startswith("OTEL_"):
            monkeypatch.delenv(name)
    monkeypatch.setattr("loopengt.redaction._kept", set())


@pytest.fixture
def http() -> Iterator[HttpReceiver]:
    """A receiver over HTTP."""
    made = HttpReceiver()
    yield made
    made.close()


@pytest.fixture
def grpc_receiver() -> Iterator[GrpcReceiver]:
    """A receiver over gRPC."""
    made = GrpcReceiver()
    yield made
    made.close()


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    """A project with scripted agents."""
    return Lab(tmp_path)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[Any]:
    """Turn a skip into a failure under CI, which has every real part that a test may miss elsewhere."""
    report = yield
    if os.environ.get("CI") and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped under CI, where nothing may be missing: {report.longrepr}"
    return report
