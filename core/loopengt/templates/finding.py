"""Finds templates: those of the project first, then the user's, then those of plugins."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from loopengt.errors import ConfigError, LoopengtError, UsageError
from loopengt.naming import hint, is_word
from loopengt.templates.folders import read_folder
from loopengt.templates.loops import ABOUT, LoopTemplate, make_template

if TYPE_CHECKING:
    from loopengt.kernel import Kernel

__all__ = ["FoundTemplate", "find_template", "find_templates", "templates_folder"]

FOLDER: Final = "templates"


@dataclass(frozen=True, slots=True)
class FoundTemplate:
    """A template that there is."""

    name: str
    source: str
    """``project``, ``user`` or ``plugin NAME``."""
    summary: str
    """What it is for, in one line; of one that cannot be read, why."""
    files: Callable[[], Mapping[str, str]]
    """Reads its files."""
    hides: tuple[str, ...] = ()
    """Sources of others of the same name, which are had as ``user:NAME`` and ``plugin:NAME``."""

    def open(self) -> LoopTemplate:
        """Read it.

        Raises:
            LoopengtError: It cannot be read, has no loop.yaml, or its template.yaml is not valid.
        """
        template = make_template(self.name, self.source, self.files())
        if template.about.description:
            return template
        return replace(template, about=template.about.model_copy(update={"description": self.summary}))


def templates_folder(kernel: Kernel, scope: Literal["project", "user"]) -> Path:
    """Return the folder of a scope's templates, which need not exist.

    The user's is under ``$XDG_CONFIG_HOME``, else ``~/.config``.

    Raises:
        ConfigError: The user has no home folder, and the variable is not set.
    """
    if scope == "project":
        return kernel.folder / FOLDER
    base = kernel.environ.get("XDG_CONFIG_HOME", "")
    try:
        # The base directory specification tells programs to ignore a relative path here.
        config = Path(base) if Path(base).is_absolute() else Path.home() / ".config"
    except RuntimeError as exc:
        raise ConfigError("the home folder is not known", remedy="set HOME or XDG_CONFIG_HOME") from exc
    return config / "loopengt" / FOLDER


def find_templates(kernel: Kernel) -> list[FoundTemplate]:
    """Return all templates, sorted by name; of those of one name the one that goes before the others.

    Raises:
        ConfigError: The config is not usable.
    """
    found: dict[str, FoundTemplate] = {}
    for each in _all(kernel):
        first = found.setdefault(each.name, each)
        if first is not each:
            found[each.name] = replace(first, hides=(*first.hides, each.source))
    return [found[name] for name in sorted(found)]


def find_template(kernel: Kernel, name: str) -> FoundTemplate:
    """Return the template of a name.

    Args:
        kernel: The project.
        name: Its name; with ``project:``, ``user:`` or ``plugin:`` before it only one of that source.

    Raises:
        UsageError: There is none; the message names the nearest.
    """
    source, colon, bare = name.partition(":")
    wanted = bare if colon else name
    every = [each for each in _all(kernel) if not colon or each.source.split()[0] == source]
    for each in every:
        if each.name == wanted:
            return each
    where = f" of the source {source!r}" if colon else ""
    known = {each.name for each in every}
    raise UsageError(
        f"there is no template {wanted!r}{where}{hint(wanted, known)}",
        remedy="See them all: loopengt template list",
    )


def _all(kernel: Kernel) -> Iterator[FoundTemplate]:
    yield from _in_folder(templates_folder(kernel, "project"), "project")
    try:
        user = templates_folder(kernel, "user")
    except ConfigError:  # nobody's home: then there are none of it
        pass
    else:
        yield from _in_folder(user, "user")
    for name, summary in kernel.names("templates").items():
        plugin = kernel.component("templates", name).plugin
        yield FoundTemplate(name, f"plugin {plugin}", summary, _of_plugin(kernel, name))


def _of_plugin(kernel: Kernel, name: str) -> Callable[[], Mapping[str, str]]:
    def read() -> Mapping[str, str]:
        template: Any = kernel.get("templates", name)
        files: Mapping[str, str] = template.files()
        return files

    return read


def _in_folder(folder: Path, source: str) -> Iterator[FoundTemplate]:
    try:
        # A link may lead to a template of the user's own; what comes with a repository stays inside it.
        paths = [
            path
            for path in sorted(folder.iterdir())
            if path.is_dir() and is_word(path.name) and (source == "user" or not path.is_symlink())
        ]
    except OSError:
        return
    for path in paths:
        yield FoundTemplate(path.name, source, _summary(path), _of_folder(path))


def _of_folder(path: Path) -> Callable[[], Mapping[str, str]]:
    return lambda: read_folder(path)


def _summary(path: Path) -> str:
    from loopengt.display import first_line
    from loopengt.templates.about import read_about

    try:
        text = read_folder(path).get(ABOUT)
        return "" if text is None else first_line(read_about(text, ABOUT).description)
    except LoopengtError as exc:
        return f"cannot be used: {first_line(exc.message)}"
