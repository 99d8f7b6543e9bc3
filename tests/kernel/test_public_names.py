"""The public names of the package: complete, lazy, sorted."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest

LAZY = [
    "loopengt",
    "loopengt.archive",
    "loopengt.processes",
    "loopengt.spec",
    "loopengt.templates",
    "loopengt.testing",
    "loopengt_hookspecs.models",
]


@pytest.mark.parametrize("package", LAZY)
def test_every_public_name_can_be_had(package: str) -> None:
    """Each name of __all__ is an attribute, the list is sorted, and dir() has them all."""
    module = import_module(package)
    assert module.__all__ == sorted(module.__all__, key=lambda name: (not name.isupper(), name))
    assert set(module.__all__) <= set(dir(module)), "before any of them was imported"
    for name in module.__all__:
        assert getattr(module, name) is not None


@pytest.mark.parametrize("package", LAZY)
def test_an_unknown_name_is_an_attribute_error(package: str) -> None:
    """A typo fails as with any module."""
    with pytest.raises(AttributeError, match=f"module '{package}' has no attribute 'Kernl'"):
        _ = import_module(package).Kernl


@pytest.mark.parametrize("package", ["loopengt.processes", "loopengt.spec", "loopengt.testing"])
def test_importing_a_lazy_package_imports_none_of_its_modules(package: str) -> None:
    """Its modules are imported when one of their names is asked for."""
    script = f"import sys, {package}; print([name for name in sys.modules if name.startswith('{package}.')])"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_importing_the_package_imports_nothing_else() -> None:
    """``import loopengt`` loads none of its own modules, nor the contracts, nor any dependency."""
    script = (
        "import __future__, sys, typing; before = set(sys.modules); import loopengt; "
        "print(sorted(set(sys.modules) - before))"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "['loopengt']"
