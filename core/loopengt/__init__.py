"""loopengt: write an agent loop down once, run it unattended, and trust its end.

The public names are imported on first use, so that ``import loopengt`` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from loopengt.checkpoints import CheckpointManager
    from loopengt.config import Config
    from loopengt.errors import (
        CheckpointError,
        ComponentNotFound,
        ConfigError,
        ExpressionError,
        LeaseLost,
        LoopengtError,
        PluginError,
        PromptError,
        ReplayMismatch,
        RunNotFound,
        RunOwned,
        SpecError,
        StorageCorrupt,
        StorageError,
        StorageFull,
        StorageReadOnly,
        StorageTooNew,
        UsageError,
    )
    from loopengt.kernel import Kernel
    from loopengt.logs import get_logger
    from loopengt.plugins import Component, PluginRecord
    from loopengt.project import find_project
    from loopengt_hookspecs import hookimpl
    from loopengt_hookspecs.registration import Components, PluginContext

__version__ = "0.2.0"

__all__ = [
    "CheckpointError",
    "CheckpointManager",
    "Component",
    "ComponentNotFound",
    "Components",
    "Config",
    "ConfigError",
    "ExpressionError",
    "Kernel",
    "LeaseLost",
    "LoopengtError",
    "PluginContext",
    "PluginError",
    "PluginRecord",
    "PromptError",
    "ReplayMismatch",
    "RunNotFound",
    "RunOwned",
    "SpecError",
    "StorageCorrupt",
    "StorageError",
    "StorageFull",
    "StorageReadOnly",
    "StorageTooNew",
    "UsageError",
    "__version__",
    "find_project",
    "get_logger",
    "hookimpl",
]

# Every other public name is an exception of loopengt.errors.
_HOMES = {
    "CheckpointManager": "loopengt.checkpoints",
    "Component": "loopengt.plugins",
    "Components": "loopengt_hookspecs.registration",
    "Config": "loopengt.config",
    "Kernel": "loopengt.kernel",
    "PluginContext": "loopengt_hookspecs.registration",
    "PluginRecord": "loopengt.plugins",
    "find_project": "loopengt.project",
    "get_logger": "loopengt.logs",
    "hookimpl": "loopengt_hookspecs",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    found: object = getattr(import_module(_HOMES.get(name, "loopengt.errors")), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
