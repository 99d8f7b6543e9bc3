"""The dialects of the coding CLIs, one module each."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from loopengt_coding_clis.dialect import Dialect

__all__ = ["find"]


def find(name: str) -> Dialect:
    """Return the dialect of a provider, such as ``claude-code``; its module is imported on first use."""
    module = import_module(f"{__name__}.{name.replace('-', '_')}")
    dialect: Dialect = module.DIALECT
    return dialect
