"""Patterns that a spec names by the dotted path of a function: checked in its source, and imported for a run."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from loopengt.errors import UsageError
from loopengt.functions import NoFunctionError, find_module, find_source, load_attribute, split_reference
from loopengt.naming import nearest

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_hookspecs.patterns import Pattern

__all__ = ["check_pattern", "is_dotted_path", "load_pattern"]


def is_dotted_path(pattern: str) -> bool:
    """Whether ``pattern`` in a spec is the path of a function, and not the name of a registered pattern."""
    return ":" in pattern or "." in pattern


def load_pattern(path: str, project: Path) -> Pattern:
    """Import the function of a custom pattern, from the project folder first.

    Args:
        path: ``package.module:function``, or the same with a dot.
        project: The project folder.

    Raises:
        UsageError: There is no such module or function, or it is not an async function of one run.
    """
    module, attribute = _split(path)
    try:
        function = load_attribute(module, attribute, project)
    except UsageError:
        raise
    except ModuleNotFoundError as exc:
        if f"{module}.".startswith(f"{exc.name}."):
            raise _no_module(path, project) from exc
        raise UsageError(
            f"the pattern {path!r} cannot be imported: {exc}",
            remedy=f"Install the package that provides {(exc.name or '').partition('.')[0]!r}.",
        ) from exc
    except NoFunctionError as exc:
        raise _no_function(path, exc.names, str(exc)) from exc
    except (Exception, SystemExit) as exc:
        raise UsageError(
            f"the pattern {path!r} cannot be imported: {type(exc).__name__}: {exc}",
            remedy=f"Correct {module}; see it fail with: python -c 'import {module}'",
        ) from exc
    if not (inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__)):
        raise _wrong(path, "is not an async function")
    try:
        inspect.signature(function).bind(None)
    except TypeError as exc:
        raise _wrong(path, f"does not take just the run: {exc}") from exc
    pattern: Pattern = function
    return pattern


def check_pattern(path: str, project: Path) -> None:
    """Do what can be done of ``load_pattern`` without executing anything: a spec is also read to be looked at.

    What is certain from the module's source in the project folder is reported; the rest shows when the run starts.

    Raises:
        UsageError: As ``load_pattern`` does.
    """
    module, attribute = _split(path)
    if not find_module(module, project):
        raise _no_module(path, project)
    try:
        source = find_source(module, project)
    except ModuleNotFoundError as exc:
        raise _no_module(path, project) from exc
    if source is None:
        return
    try:
        tree = ast.parse(source.read_bytes(), str(source))
    except (SyntaxError, ValueError) as exc:
        raise UsageError(f"the pattern {path!r} cannot be imported: {source}: {exc}") from exc
    statements = list(_statements(tree.body))
    first, _, rest = attribute.partition(".")
    found = [statement for statement in statements if first in _names_bound(statement)]
    if not found and not any("*" in _names_bound(statement) for statement in statements):
        names = {name for statement in statements for name in _names_bound(statement)}
        raise _no_function(path, names, f"{module} has no {first}")
    if len(found) == 1 and not rest:
        _check_definition(path, found[0])


def _check_definition(path: str, statement: ast.stmt) -> None:
    if isinstance(statement, ast.ClassDef) or getattr(statement, "decorator_list", None):
        return  # a decorator may make anything of it
    if isinstance(statement, ast.FunctionDef):
        raise _wrong(path, "is not an async function")
    if isinstance(statement, ast.AsyncFunctionDef):
        given = statement.args
        positional = [*given.posonlyargs, *given.args]
        needed = len(positional) - len(given.defaults)
        lacking = [
            arg.arg for arg, default in zip(given.kwonlyargs, given.kw_defaults, strict=True) if not default
        ]
        if needed > 1 or lacking or not (positional or given.vararg):
            names = ", ".join([*(arg.arg for arg in positional), *lacking]) or "nothing"
            raise _wrong(path, f"does not take just the run, but {names}")


def _statements(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements of a module that are executed at its top level, those of its ifs and tries too."""
    for statement in body:
        yield statement
        if not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for inner in ast.iter_child_nodes(statement):
                parts = inner.body if isinstance(inner, ast.ExceptHandler | ast.match_case) else [inner]
                yield from _statements(part for part in parts if isinstance(part, ast.stmt))


def _names_bound(statement: ast.stmt) -> set[str]:
    """Return the names that a statement binds; ``*`` stands for those that its source does not tell."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {statement.name, "*"} if statement.name == "__getattr__" else {statement.name}
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return {(alias.asname or alias.name).partition(".")[0] for alias in statement.names}
    names = [node for node in ast.walk(statement) if isinstance(node, ast.Name)]
    bound = {name.id for name in names if isinstance(name.ctx, ast.Store)}
    return bound | {"*" for name in names if name.id in ("exec", "globals", "setattr", "vars")}


def _split(path: str) -> tuple[str, str]:
    try:
        return split_reference(path)
    except ValueError as exc:
        raise UsageError(f"the pattern {exc}") from exc


def _no_module(path: str, project: Path) -> UsageError:
    module, attribute = split_reference(path)
    file = project.joinpath(*module.split(".")).with_suffix(".py")
    return UsageError(
        f"the pattern {path!r} names the module {module}, which is not in {project} nor installed",
        remedy=f"Create {file} with: async def {attribute}(run): ...",
    )


def _no_function(path: str, names: Iterable[str], message: str) -> UsageError:
    module, attribute = split_reference(path)
    near = nearest(attribute.rpartition(".")[2], [name for name in names if not name.startswith("__")])
    hint = f", the nearest is {near!r}" if near else ""
    return UsageError(
        f"the pattern {path!r} cannot be had: {message}{hint}",
        remedy=f"Define it in {module}: async def {attribute}(run): ...",
    )


def _wrong(path: str, what: str) -> UsageError:
    attribute = split_reference(path)[1]
    return UsageError(f"the pattern {path!r} {what}", remedy=f"Write it as: async def {attribute}(run): ...")
