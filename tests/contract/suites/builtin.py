"""The built-in components of a kind, each with its suite."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from loopengt.testing import make_kernel
from loopengt.testing.suites import make_suite


def names(kind: str) -> list[str]:
    """Return the names of loopengt's own components of a kind."""
    with TemporaryDirectory() as folder:
        kernel = make_kernel(Path(folder))
        if kind == "options":
            return sorted(record.name for record in kernel.plugins if kernel.options_model(record.name))
        return list(kernel.names(kind))


def suites(
    kind: str,
    samples: dict[str, dict[str, Any]] | None = None,
    kernel: Any = make_kernel,
    often: Collection[str] = (),
) -> dict[str, type]:
    """Return the test class of each, by a name that pytest collects; ``samples`` by the component's name.

    Where ``often`` names some, the others are slow tests: they are built as those are.
    """
    known = names(kind)
    unknown = set(samples or {}) - set(known)
    assert not unknown, f"there are samples for {unknown}, and no such component"
    made = [make_suite(kind, name, kernel=kernel, **(samples or {}).get(name, {})) for name in known]
    for name, one in zip(known, made, strict=True):
        if often and name not in often:
            pytest.mark.slow(one)
    return {f"Test_{kind}_{name}".replace("-", "_"): one for name, one in zip(known, made, strict=True)}
