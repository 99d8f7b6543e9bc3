"""The public names of the package: complete, lazy, sorted."""

from __future__ import annotations

import subprocess
import sys

import loopengt
import pytest


def test_every_public_name_can_be_had() -> None:
    """Each name of __all__ is an attribute, the list is sorted, and dir() has them all."""
    assert loopengt.__all__ == sorted(loopengt.__all__)
    for name in loopengt.__all__:
        assert getattr(loopengt, name) is not None
    assert set(loopengt.__all__) <= set(dir(loopengt))


def test_an_unknown_name_is_an_attribute_error() -> None:
    """A typo fails as with any module."""
    with pytest.raises(AttributeError, match="has no attribute 'Kernl'"):
        _ = loopengt.Kernl


def test_importing_the_package_imports_nothing_else() -> None:
    """``import loopengt`` loads none of its own modules, nor the contracts, nor any dependency."""
    script = (
        "import __future__, sys, typing; before = set(sys.modules); import loopengt; "
        "print(sorted(set(sys.modules) - before))"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "['loopengt']"
