"""Imports the functions that a spec names, from the project folder first, else from the installed packages."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any

from loopengt.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

__all__ = [
    "NoFunctionError",
    "find_module",
    "find_source",
    "load_attribute",
    "split_reference",
]

_lock = RLock()
# A project folder on the path, and the modules that were there before it. Of one project at a time: the same
# name means another file in another project.
_before: dict[str, frozenset[str]] = {}
# When the files of the project's modules were written, to import a file anew for a run that follows its edit.
_stamps: dict[str, int] = {}


class NoFunctionError(Exception):
    """The module is there, but what the attribute path names in it is not, or cannot be called."""

    def __init__(self, message: str, names: list[str]) -> None:
        self.names = names
        super().__init__(message)


def split_reference(reference: str) -> tuple[str, str]:
    """Split ``package.module:attribute`` (or ``package.module.attribute``) into module and attribute.

    Raises:
        ValueError: It is not a dotted path of Python names.
    """
    module, colon, attribute = reference.partition(":")
    if not colon:
        module, _, attribute = reference.rpartition(".")
    if not all(part.isidentifier() for part in (*module.split("."), *attribute.split("."))):
        raise ValueError(
            f"{reference!r} is not the dotted path of a function: write module:function, such as agents:fix"
        )
    return module, attribute


def find_module(module: str, project: Path) -> bool:
    """Whether the module's first part is in the project folder or installed; imports nothing."""
    top = module.partition(".")[0]
    with _lock:
        _prepare(str(project))
        return _project_spec(module, project) is not None or _installed(top)


def find_source(module: str, project: Path) -> Path | None:
    """Return the source file of a module that lies in the project folder; imports nothing.

    Returns:
        The file; None: the module is not the project's, or has no source.

    Raises:
        ModuleNotFoundError: The project has a package of that name, but not this module in it.
    """
    with _lock:
        spec = _project_spec(module, project)
        parts = module.split(".")
        for count in range(2, len(parts) + 1) if spec is not None else ():
            name = ".".join(parts[:count])
            spec = PathFinder.find_spec(name, spec.submodule_search_locations or []) if spec else None
            if spec is None:
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    origin = (spec.origin or "") if spec is not None else ""
    return Path(origin) if origin.endswith(".py") else None


def load_attribute(module: str, attribute: str, project: Path) -> Callable[..., Any]:
    """Import the module and return what the attribute path names in it.

    Raises:
        ModuleNotFoundError: The module, or one that it imports, is not there; ``name`` says which.
        NoFunctionError: The module has no such function.
        UsageError: Its name belongs to a module of Python, or to one that is already imported.
        Exception: Whatever the module raises while it is imported.
    """
    with _lock:
        _prepare(str(project))
        value: Any = _import(module, project)
    for name in attribute.split("."):
        if not hasattr(value, name):
            raise NoFunctionError(f"{module} has no {attribute}", dir(value))
        value = getattr(value, name)
    if not callable(value):
        raise NoFunctionError(f"{attribute} in {module} is not a function but a {type(value).__name__}", [])
    return value  # type: ignore[no-any-return]  # callable() does not narrow Any


def _import(module: str, project: Path) -> ModuleType:
    spec = _project_spec(module, project)
    if spec is None:
        return importlib.import_module(module)
    folder = str(project)
    if folder not in _before:
        _before[folder] = frozenset(sys.modules)
        # At the end: a file of the project must not take the place of a module of Python or of ours.
        sys.path.append(folder)
    try:
        _load_top(spec)
        return importlib.import_module(module)
    finally:
        for name in _modules_of(folder):
            _stamps.setdefault(name, _stamp(name))


def _prepare(folder: str) -> None:
    """Take back what other projects have put into this process, and what has changed on disk since."""
    for other in [other for other in _before if other != folder]:
        _forget(other)
        del _before[other]
        if other in sys.path:
            del sys.path[len(sys.path) - 1 - sys.path[::-1].index(other)]  # ours is the last of that name
    if any(_stamps.get(name) not in (None, _stamp(name)) for name in _modules_of(folder)):
        _forget(folder)


def _forget(folder: str) -> None:
    for name in _modules_of(folder):
        del sys.modules[name]
        _stamps.pop(name, None)


def _modules_of(folder: str) -> list[str]:
    """Names of the modules that were imported from the project folder since it is on the path."""
    before = _before.get(folder)
    if before is None:
        return []
    tops = {name for name in set(sys.modules) - before if "." not in name and _lies_in(name, folder)}
    return [name for name in sys.modules if name.partition(".")[0] in tops]


def _lies_in(top: str, folder: str) -> bool:
    path = Path(_origin(sys.modules[top]))
    return folder in (str(path.parent), str(path.parent.parent) if path.name == "__init__.py" else "")


def _stamp(name: str) -> int:
    try:
        return Path(_origin(sys.modules[name])).stat().st_mtime_ns
    except OSError:
        return 0


def _project_spec(module: str, project: Path) -> ModuleSpec | None:
    """Find the module's first part in the project; a mere folder counts when the second part is in it."""
    top, _, rest = module.partition(".")
    PathFinder.invalidate_caches()  # the file may have been written a moment ago
    spec = PathFinder.find_spec(top, [str(project)])
    if spec is None or spec.origin is not None:
        return spec
    second = f"{top}.{rest.partition('.')[0]}"
    inner = PathFinder.find_spec(second, spec.submodule_search_locations) if rest else None
    return spec if inner is not None else None


def _installed(top: str) -> bool:
    try:
        return importlib.util.find_spec(top) is not None
    except ValueError:  # imported, but not from a file
        return True


def _load_top(spec: ModuleSpec) -> None:
    existing = sys.modules.get(spec.name)
    if existing is not None and _origin(existing) == _origin_of(spec):
        return
    if existing is not None or spec.name in sys.stdlib_module_names:
        raise UsageError(
            f"the module name {spec.name!r} in {_origin_of(spec)} is taken by another module",
            remedy="Give the file another name, and correct the function's path in the spec.",
        )
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        if spec.loader is not None:
            spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[spec.name]
        raise


def _origin_of(spec: ModuleSpec) -> str:
    return spec.origin or next(iter(spec.submodule_search_locations or ()), "")


def _origin(module: ModuleType) -> str:
    spec = getattr(module, "__spec__", None)
    return _origin_of(spec) if spec is not None else str(getattr(module, "__file__", ""))
