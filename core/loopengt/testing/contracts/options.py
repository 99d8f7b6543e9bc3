"""The suite that the model of a plugin's options passes, and what other suites ask of options.

::

    from loopengt.testing import OptionsContract

    class TestMyOptions(OptionsContract):
        def make(self, folder):
            return MyOptions
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from loopengt.testing.contracts.base import Contract, caught, guarded, require, rule
from loopengt.testing.contracts.data import example_of

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic import BaseModel

__all__ = ["OptionsContract", "check_model", "fitting_options"]

UNKNOWN = "no_option_has_this_name"


class OptionsContract(Contract):
    """Every rule of ``loopengt_hookspecs.options`` as a test.

    Override ``make(self, folder: Path)``, which returns the pydantic model, a class.
    """

    values: ClassVar[Mapping[str, Any]] = {}
    """Options that fit, as config.toml has them."""

    @rule
    def test_it_is_a_model_that_needs_nothing(self, model: type[BaseModel], folder: Path) -> None:
        """The target is a pydantic model, and a plugin without a table in config.toml has valid options."""
        _check_class(model, "the options")
        with guarded("validating an empty table", remedy="Give every option a default."):
            model.model_validate({})

    @rule
    def test_unknown_keys_are_refused(self, model: type[BaseModel], folder: Path) -> None:
        """A key that no option has is an error, so that a slip of the pen is found."""
        _check_closed(model, {}, "the options")

    @rule
    def test_every_option_is_described(self, model: type[BaseModel], folder: Path) -> None:
        """Each option says what it means, for ``loopengt plugins info``."""
        for name, field in model.model_fields.items():
            require(
                bool(field.description),
                f"the option {name!r} has no description",
                'Declare it by Field(default=…, description="…").',
            )

    @rule
    def test_texts_are_understood(self, model: type[BaseModel], folder: Path) -> None:
        """Numbers and switches may be given as text, as environment variables and ``-o`` give them."""
        defaults = model().model_dump(mode="json")
        for name, value in (defaults | dict(self.values)).items():
            if isinstance(value, bool | int | float | str) and name in model.model_fields:
                text = str(value).lower() if isinstance(value, bool) else str(value)
                key = model.model_fields[name].alias or name
                with guarded(f"the option {key} = {text!r}", remedy="Leave the model's strict mode off."):
                    model.model_validate({key: text})

    @rule
    def test_samples_fit(self, model: type[BaseModel], folder: Path) -> None:
        """The samples are valid, and what a model prints of itself is valid again."""
        with guarded("validating the samples"):
            made = model.model_validate(dict(self.values))
            again = model.model_validate(made.model_dump(by_alias=True))
        require(made == again, f"{made!r} came back as {again!r}", "Let what is printed be what is read.")


def check_model(model: Any, options: Mapping[str, Any], what: str, *, closed: bool = True) -> None:
    """Break the rule where the options of a component are not a closed model that takes the given ones."""
    if model is None:
        require(
            not options, f"{what} has no options, and the samples are {dict(options)!r}", "Take them out."
        )
        return
    _check_class(model, what)
    with guarded(f"validating {dict(options)!r}", remedy="Give the suite options = {…} that fit."):
        model.model_validate(dict(options))
    if closed:
        _check_closed(model, options, what)


def fitting_options(model: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return options with what the model requires and is not given, made up from its schema."""
    made = dict(given)
    if model is not None and hasattr(model, "model_fields"):
        schema = model.model_json_schema()
        for name in schema.get("required", ()):
            if name not in made:
                made[name] = example_of(schema["properties"][name], root=schema)
    return made


def _check_class(model: Any, what: str) -> None:
    from pydantic import BaseModel

    require(
        isinstance(model, type) and issubclass(model, BaseModel),
        f"the options model of {what} is {model!r}",
        "Give a class that derives from pydantic.BaseModel.",
    )


def _check_closed(model: type[BaseModel], options: Mapping[str, Any], what: str) -> None:
    raised = caught(lambda: model.model_validate({**options, UNKNOWN: 1}))
    require(
        raised is not None,
        f"the options model of {what} takes a key that it does not have",
        'Write model_config = ConfigDict(extra="forbid").',
    )
