"""What the suites of the test kit want to know of a component beside how it is made."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from loopengt_hookspecs.models import MemoryScope, StopCondition, VerificationGate

if TYPE_CHECKING:
    from collections.abc import Callable

    from loopengt_cli_plugins.suites.cases import Maker

__all__ = ["attributes_for"]

VALUES: tuple[Any, ...] = (None, 1, "true", "text", 0.5, ["text"], {})
"""What a stop condition may take as its value; the first that it takes is the sample."""

DECLARATIONS: tuple[dict[str, Any], ...] = (
    {},
    {"condition": "true"},
    {"command": ["true"]},
    {"schema": {"type": "string"}},
    {"judge": "exact", "threshold": 0.5},
)
"""What a gate may declare beside its name and kind; the first that can be bound is the sample."""


def attributes_for(maker: Maker) -> dict[str, Any]:
    """Return the attributes of a test class that make a suite one of a certain component.

    Args:
        maker: Makes the component.
    """

    def make(self: Any, folder: Path) -> Any:
        return maker.component(folder)

    sample = _SAMPLES.get(maker.kind)
    found: dict[str, Any] = {"__doc__": f"The rules for the component {maker.name}.", "make": make}
    if sample is not None:
        # What is wrong with a component is for the suite to say, in its own words.
        with TemporaryDirectory(prefix="loopengt-sample-") as folder, suppress(Exception):
            found |= sample(maker, Path(folder))
    return found


def _storage(maker: Maker, folder: Path) -> dict[str, Any]:
    return {"persistent": asyncio.run(_storage_outlives(maker, folder))}


def _memory(maker: Maker, folder: Path) -> dict[str, Any]:
    return {"persistent": asyncio.run(_memory_outlives(maker, folder))}


async def _storage_outlives(maker: Maker, folder: Path) -> bool:
    """Find out whether what one instance keeps is there for another one on the same folder."""
    first, second = maker.component(folder), maker.component(folder)
    await first.open()
    digest = await first.put_blob(b"sample")
    await first.close()
    await second.open()
    try:
        return bool(await second.get_blob(digest) == b"sample")
    except Exception:
        return False
    finally:
        await second.close()


async def _memory_outlives(maker: Maker, folder: Path) -> bool:
    first, second = maker.component(folder), maker.component(folder)
    await first.memory(MemoryScope.PROJECT).add("sample")
    await first.close()
    count: int = await second.memory(MemoryScope.PROJECT).count()
    await second.close()
    return count == 1


def _stop_condition(maker: Maker, folder: Path) -> dict[str, Any]:
    from loopengt.testing import loop_spec
    from loopengt_hookspecs.models import LoopSpec

    kind, spec = maker.component(folder), LoopSpec.model_validate(loop_spec())

    def bind(value: Any) -> Any:
        return kind.bind(StopCondition(condition_type=maker.name, value=value), spec)

    return {"value": _first(bind, VALUES)}


def _gate(maker: Maker, folder: Path) -> dict[str, Any]:
    kind = maker.component(folder)

    def bind(declaration: dict[str, Any]) -> Any:
        gate = VerificationGate.model_validate({"name": "sample", "kind": maker.name, **declaration})
        return kind.bind(gate, folder)

    return {"declaration": _first(bind, DECLARATIONS)}


def _command(maker: Maker, folder: Path) -> dict[str, Any]:
    target = maker.kernel(folder).component(maker.kind, maker.name).target
    return {"name": maker.name, "reference": target if isinstance(target, str) else ""}


def _engine(maker: Maker, folder: Path) -> dict[str, Any]:
    def kernel(self: Any, folder: Path, agent: Any) -> Any:
        return maker.kernel(folder, agents=agent, config={"engine": {"name": maker.name}})

    return {"kernel": kernel}


def _first(bind: Callable[[Any], Any], candidates: tuple[Any, ...]) -> Any:
    """Return the first candidate that can be bound, or the first of all: the suite says why it cannot."""
    for candidate in candidates:
        try:
            bind(candidate)
        except Exception:  # noqa: S112 - each is tried because it may not fit
            continue
        return candidate
    return candidates[0]


_SAMPLES = {
    "commands": _command,
    "engines": _engine,
    "gates": _gate,
    "memories": _memory,
    "stop_conditions": _stop_condition,
    "storages": _storage,
}
