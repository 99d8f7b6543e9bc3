"""Suites whose component is broken in one way: the rule that is meant for it fails, and says why."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from loopengt.testing.contracts import base, cancelling
from loopengt.testing.suites import rules


@dataclass(frozen=True)
class Case:
    """A suite, a component that keeps all of its rules, and for each rule one that does not."""

    suite: type
    sound: Mapping[str, Any]
    """Attributes of the subclass; ``make`` among them."""
    broken: Mapping[str, Mapping[str, Any]]
    """Attributes in their place, by the rule that they break, without ``test_``."""

    def run(self, rule: str, folder: Path, *, broken: bool) -> None:
        """Check one rule."""
        attributes = {**self.sound, **(self.broken[rule.removeprefix("test_")] if broken else {})}
        getattr(type("Tried", (self.suite,), attributes)(), rule)(folder)


def each_rule(cases: list[Case]) -> Any:
    """Parametrize a test by case and rule."""
    found: Iterator[Any] = (
        pytest.param(case, rule, id=f"{case.suite.__name__}-{rule.removeprefix('test_')}")
        for case in cases
        for rule in rules(case.suite)
    )
    return pytest.mark.parametrize(("case", "rule"), list(found))


def made(factory: Callable[..., Any], **samples: Any) -> dict[str, Any]:
    """Return the attributes of a suite for a component; its factory may take the folder."""
    plain = isinstance(factory, type)
    return {"make": lambda self, folder: factory() if plain else factory(folder), **samples}


def changed(base: type, **attributes: Any) -> dict[str, Any]:
    """Return the attributes of a suite for a class with other attributes or methods."""
    return made(type(f"Broken{base.__name__}", (base,), attributes))


def bite(case: Case, rule: str, folder: Path) -> None:
    """Check that the sound component keeps a rule, and that the broken one fails it with fact and remedy."""
    (folder / "sound").mkdir()
    (folder / "broken").mkdir()
    case.run(rule, folder / "sound", broken=False)
    assert rule.removeprefix("test_") in case.broken, f"nothing breaks the rule {rule}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(base, "QUICK_SECONDS", 0.3)
        patch.setattr(cancelling, "END_SECONDS", 0.5)
        patch.setattr(cancelling, "LEAVE_SECONDS", 0.2)
        with pytest.raises(AssertionError) as caught:
            case.run(rule, folder / "broken", broken=True)
    fact, _, remedy = str(caught.value).partition("\n")
    assert len(fact) > 5, caught.value
    assert len(remedy) > 5, caught.value


def all_are_rules(cases: list[Case]) -> None:
    """Check that every broken component is meant for a rule that there is."""
    for case in cases:
        names = {rule.removeprefix("test_") for rule in rules(case.suite)}
        assert set(case.broken) == names
        assert all(rules(case.suite).values())
