"""Reads modules of the contracts from their source: classes, fields with what stands below them, functions, aliases."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

__all__ = ["Alias", "Class", "Field", "Function", "Module", "read_module"]


@dataclass(frozen=True)
class Field:
    """An attribute of a class."""

    name: str
    type: str
    default: str
    """As it is written; empty: there is none."""
    doc: str


@dataclass(frozen=True)
class Function:
    """A function, method or property."""

    name: str
    signature: str
    """As it is written, without body, on one line or several."""
    doc: str
    is_property: bool = False
    returns: str = ""


@dataclass(frozen=True)
class Class:
    """A class."""

    name: str
    bases: tuple[str, ...]
    doc: str
    fields: tuple[Field, ...]
    methods: tuple[Function, ...]
    is_dataclass: bool

    @property
    def is_protocol(self) -> bool:
        """Whether it says what a plugin's own class has to have."""
        return any(base.partition("[")[0] == "Protocol" for base in self.bases)


@dataclass(frozen=True)
class Alias:
    """A name for a type or a value."""

    name: str
    value: str
    doc: str


@dataclass
class Module:
    """What a module offers, in its order."""

    doc: str
    hooks: list[Function] = field(default_factory=list)
    functions: list[Function] = field(default_factory=list)
    classes: list[Class] = field(default_factory=list)
    aliases: list[Alias] = field(default_factory=list)
    imports: list[str] = field(default_factory=list)
    """Names that come from other modules of the contracts."""


@cache
def read_module(path: Path) -> Module:
    """Read a module; names that begin with an underscore are left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = Module(ast.get_docstring(tree) or "")
    found.imports = [
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("loopengt_hookspecs.")
        for alias in node.names
    ]
    for node, doc in _with_docs(tree.body):
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            found.classes.append(_class(node))
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            is_hook = any(ast.unparse(mark) == "hookspec" for mark in node.decorator_list)
            (found.hooks if is_hook else found.functions).append(_function(node))
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            name = ast.unparse(node.targets[0] if isinstance(node, ast.Assign) else node.target)
            if node.value is not None and not name.startswith("_"):
                found.aliases.append(Alias(name, ast.unparse(node.value), doc))
    return found


def _with_docs(body: list[ast.stmt]) -> Iterator[tuple[ast.stmt, str]]:
    """Yield statements, each with the text that stands alone below it."""
    for node, after in zip(body, [*body[1:], None], strict=True):
        doc = ""
        if (
            isinstance(after, ast.Expr)
            and isinstance(after.value, ast.Constant)
            and isinstance(after.value.value, str)
        ):
            doc = after.value.value
        yield node, doc


def _class(node: ast.ClassDef) -> Class:
    fields, methods = [], []
    for item, doc in _with_docs(node.body):
        if isinstance(item, ast.AnnAssign) and "ClassVar" not in ast.unparse(item.annotation):
            fields.append(_field(item, doc))
        elif isinstance(item, ast.Assign) and isinstance(item.value, ast.Constant):  # members of an enum
            fields.append(Field(ast.unparse(item.targets[0]), "", ast.unparse(item.value), doc))
        elif isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef):
            methods.append(_function(item))
    public = [method for method in methods if not method.name.startswith("_") or method.name == "__call__"]
    shown = [field for field in fields if not field.name.startswith(("_", "model_config"))]
    marks = [ast.unparse(mark) for mark in node.decorator_list]
    bases = tuple(ast.unparse(base) for base in node.bases)
    is_dataclass = any(mark.startswith("dataclass") for mark in marks)
    return Class(node.name, bases, ast.get_docstring(node) or "", tuple(shown), tuple(public), is_dataclass)


def _field(node: ast.AnnAssign, doc: str) -> Field:
    default = "" if node.value is None else ast.unparse(node.value)
    if isinstance(node.value, ast.Call) and ast.unparse(node.value.func) in ("Field", "field"):
        given = {word.arg: word.value for word in node.value.keywords}
        described = given.get("description")
        doc = doc or (str(described.value) if isinstance(described, ast.Constant) else "")
        factory = given.get("default_factory")
        made = f"{ast.unparse(factory)}()" if isinstance(factory, ast.Name) else "made anew"
        default = ast.unparse(given["default"]) if "default" in given else (made if factory else "")
    default = {"list()": "[]", "dict()": "{}"}.get(default, default)
    return Field(ast.unparse(node.target), ast.unparse(node.annotation).strip("'"), default, doc)


def _function(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Function:
    word = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
    returns = _code(node.returns) if node.returns else ""
    parts = _arguments(node.args)
    arguments = ", ".join(parts)
    signature = (
        f"{word} {node.name}({arguments}) -> {returns}" if returns else f"{word} {node.name}({arguments})"
    )
    if len(signature) > 100:
        signature = f"{word} {node.name}(\n" + "".join(f"    {part},\n" for part in parts) + f") -> {returns}"
    marks = [ast.unparse(mark) for mark in node.decorator_list]
    return Function(node.name, signature, ast.get_docstring(node) or "", "property" in marks, returns)


def _arguments(arguments: ast.arguments) -> list[str]:
    """The arguments one by one, as they are written."""
    positional = [*arguments.posonlyargs, *arguments.args]
    defaults: list[ast.expr | None] = [None] * (len(positional) - len(arguments.defaults)) + [
        *arguments.defaults
    ]
    parts = [_argument(one, default) for one, default in zip(positional, defaults, strict=True)]
    if arguments.vararg:
        parts.append(f"*{_code(arguments.vararg)}")
    if arguments.kwonlyargs:
        parts += [] if arguments.vararg else ["*"]
        pairs = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        parts += [_argument(one, default) for one, default in pairs]
    return parts + ([f"**{_code(arguments.kwarg)}"] if arguments.kwarg else [])


def _argument(one: ast.arg, default: ast.expr | None) -> str:
    if default is None:
        return _code(one)
    return f"{_code(one)} = {_code(default)}" if one.annotation else f"{_code(one)}={_code(default)}"


def _code(node: ast.AST) -> str:
    """Return source as the formatter writes it, with double quotes."""
    return re.sub(r"'([^'\"\\]*)'", r'"\1"', ast.unparse(node))
