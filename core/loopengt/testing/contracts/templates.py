"""The suite that every template passes; a template's author subclasses it in a test module.

::

    from loopengt.testing import TemplateContract

    class TestMine(TemplateContract):
        values = {"goal": "All tests pass"}

        def make(self, folder):
            return MINE
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, ClassVar

from loopengt.testing.contracts.base import Contract, guarded, require, rule, still

if TYPE_CHECKING:
    from loopengt.templates import LoopTemplate
    from loopengt_hookspecs.templates import Template

__all__ = ["TemplateContract"]

ODD = "yes: 'no' \"#\" {output} <<goal>> \u00e9\n- 1"


class TemplateContract(Contract):
    """Every rule of ``loopengt_hookspecs.templates`` as a test; override ``make(self, folder) -> Template``."""

    values: ClassVar[Mapping[str, Any]] = {}
    """Values of its variables; required ones that are not given are made up."""

    @rule
    def test_its_files_are_texts_inside_it(self, template: Template, folder: Path) -> None:
        """``files`` maps relative paths with ``/`` to texts, and ``loop.yaml`` is one of them."""
        files = _files(template)
        require("loop.yaml" in files, f"there is no loop.yaml among {sorted(files)}", "Add one.")
        for name, text in files.items():
            require(isinstance(text, str), f"{name!r} is a Python {type(text).__name__}", "Give its text.")
            pure = PurePosixPath(name)
            inside = (
                "\\" not in name and str(pure) == name and not pure.is_absolute() and ".." not in pure.parts
            )
            require(
                inside, f"{name!r} is not inside the template", "Give a relative path with / and without .."
            )

    @rule
    def test_files_are_the_same_every_time(self, template: Template, folder: Path) -> None:
        """``files`` touches no file of the project, and what a caller does to its result does not stay."""
        with still("files()", folder):
            first = dict(_files(template))
        given = _files(template)
        if isinstance(given, dict):
            given.clear()
        again = dict(_files(template))
        require(
            first == again,
            "the files were others the second time",
            "Return a new mapping, or one to read only.",
        )

    @rule
    def test_it_is_described(self, template: Template, folder: Path) -> None:
        """``template.yaml`` is valid, and every variable that it declares says what it is."""
        about = self._opened(template).about
        for name, variable in about.variables.items():
            said = variable.description or variable.prompt
            require(
                bool(said),
                f"the variable {name!r} has no description",
                "Add one: it is shown and asked with.",
            )

    @rule
    def test_the_loop_is_valid(self, template: Template, folder: Path) -> None:
        """With its values filled in, ``loop.yaml`` is a loop without problems."""
        self._check_loop(template, folder, {})

    @rule
    def test_any_text_may_be_a_value(self, template: Template, folder: Path) -> None:
        """A text with quotes, colons, line breaks and marks of templates comes into the loop as it is."""
        loop = self._opened(template)
        texts = [
            name for name, one in loop.about.variables.items() if str(one.type) == "text" and not one.choices
        ]
        if not texts:
            self._check_loop(template, folder, {})
            return
        filled = self._check_loop(template, folder, dict.fromkeys(texts, ODD), validate=False)
        from loopengt.spec import parse_document

        with guarded("reading the filled loop.yaml", remedy="Let <<variable>> stand for a whole value."):
            parse_document(filled["loop.yaml"])

    @rule
    def test_every_variable_is_used(self, template: Template, folder: Path) -> None:
        """Each declared variable stands somewhere in the template's files."""
        loop = self._opened(template)
        text = "\n".join(text for name, text in loop.files.items() if name != "template.yaml")
        for name in loop.about.variables:
            require(
                f"<<{name}>>" in text,
                f"the variable {name!r} is used nowhere",
                f"Use <<{name}>>, or drop it.",
            )

    # Inside

    def _opened(self, template: Template) -> LoopTemplate:
        from loopengt.templates import make_template

        with guarded("opening the template", remedy="Mend its template.yaml; see docs/templates.md."):
            return make_template("under_test", "plugin under_test", _files(template))

    def _values(self, loop: LoopTemplate) -> dict[str, Any]:
        made = dict(self.values)
        for name in loop.missing(made):
            variable = loop.about.variables[name]
            if variable.choices:
                made[name] = variable.choices[0]
            else:
                made[name] = "example" if str(variable.type) == "text" else 1
        return made

    def _check_loop(
        self, template: Template, folder: Path, changes: Mapping[str, Any], *, validate: bool = True
    ) -> dict[str, str]:
        loop = self._opened(template)
        with guarded("filling the template", remedy="Give the suite values that fit, or mend its files."):
            filled = loop.fill({**self._values(loop), **changes})
        if validate:
            self._validate(folder, filled)
        return filled

    def _validate(self, folder: Path, filled: Mapping[str, str]) -> None:
        from loopengt.testing.running import make_kernel

        for name, text in filled.items():
            path = folder / "loops" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        kernel = make_kernel(folder)
        with guarded("validating loop.yaml", remedy="Mend it; loopengt validate says the same."):
            kernel.load_spec(folder / "loops" / "loop.yaml")


def _files(template: Template) -> Any:
    with guarded("files()"):
        return template.files()
