"""A template that was read: its files, its variables, and the loops that are made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final

from loopengt.errors import PluginError, UsageError
from loopengt.templates.about import TemplateAbout, read_about, values_for
from loopengt.templates.filling import fill_text, fill_yaml

__all__ = ["ABOUT", "LOOP", "README", "LoopTemplate", "make_template"]

LOOP: Final = "loop.yaml"
ABOUT: Final = "template.yaml"
README: Final = "README.md"
_DESCRIBING: Final = frozenset({ABOUT, README})
_REFUSED: Final = frozenset({".git", ".loopengt", "loopengt_plugins.py"})
"""What git and loopengt take settings from."""
_YAML: Final = (".yaml", ".yml")
_TEXT: Final = (".md", ".txt")


@dataclass(frozen=True, slots=True)
class LoopTemplate:
    """A template, read."""

    name: str
    source: str
    """Where it comes from, as a person would say it: ``project``, ``user``, ``plugin NAME`` or an address."""
    files: Mapping[str, str]
    """All of its files: relative path with ``/`` to text."""
    about: TemplateAbout

    @property
    def readme(self) -> str:
        """Its README; empty: it has none."""
        return self.files.get(README, "")

    @property
    def writes(self) -> list[str]:
        """The files that a loop made of it has, sorted."""
        return sorted(self.files.keys() - _DESCRIBING)

    def missing(self, given: Mapping[str, Any]) -> list[str]:
        """Return the variables that need a value and have none, in the order in which they are declared."""
        return [name for name, each in self.about.variables.items() if each.required and name not in given]

    def fill(self, given: Mapping[str, Any]) -> dict[str, str]:
        """Make the files of a loop.

        Args:
            given: Value by name of the variable: a text, or for numbers a number. Others have their defaults.

        Returns:
            Relative path with ``/`` to text, sorted; ``loop.yaml`` is one of them.

        Raises:
            UsageError: A value is missing, unknown, or does not fit; the message names all of these.
            SpecError: A file of the template is not valid.
        """
        values = values_for(self.about, dict(given))
        made = {}
        for name in self.writes:
            suffix = PurePosixPath(name).suffix.lower()
            text = self.files[name]
            if suffix in _YAML and self.about.variables:
                text = fill_yaml(text, values, f"{self.name}/{name}")
            elif suffix in _TEXT:
                text = fill_text(text, values)
            made[name] = text
        return made


def make_template(name: str, source: str, files: Mapping[str, str]) -> LoopTemplate:
    """Make a template of its files.

    Raises:
        PluginError: It has no loop.yaml.
        UsageError: One of its files is not inside it, or is one that no template may write.
        SpecError: Its template.yaml is not valid.
    """
    if LOOP not in files:
        raise PluginError(f"the template {name!r} ({source}) has no {LOOP}")
    for file in files:
        which = f"the file {file!r} of the template {name!r} ({source})"
        if not _is_inside(file):
            raise UsageError(f"{which} is not inside its folder")
        if {part.lower() for part in PurePosixPath(file).parts} & _REFUSED:
            raise UsageError(f"{which} is not one that a template may write")
    text = files.get(ABOUT)
    about = TemplateAbout() if text is None else read_about(text, f"{name}/{ABOUT}")
    return LoopTemplate(name, source, dict(files), about)


def _is_inside(file: str) -> bool:
    pure = PurePosixPath(file)
    plain = file.isprintable() and "\\" not in file and str(pure) == file
    return plain and not pure.is_absolute() and ".." not in pure.parts
