"""How a plugin hands a component over: the ``register`` callable and the context a component may ask for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from loopengt_hookspecs.models import LoopSpec
    from loopengt_hookspecs.storage import Storage

T_contra = TypeVar("T_contra", contravariant=True)


class Register(Protocol[T_contra]):
    """The callable that every ``loopengt_register_…`` hook receives.

    It knows which plugin is calling, so errors, ``loopengt plugins info`` and traces can say who provided
    a component.

    A *target* is one of three things:

    - a string ``"module:attribute"``, imported when the component is first used (keeps ``plugin.py`` cheap);
    - a class: one instance is made per kernel, by ``cls.from_context(context)`` when the class has that
      method, else by ``cls()``;
    - any other object, used as it is.
    """

    def __call__(self, name: str, target: T_contra | type[T_contra] | str, *, summary: str) -> None:
        """Register one component.

        Args:
            name: The name that specs, config and commands use; unique among components of its kind.
            target: The component, see the class.
            summary: One line for listings, without a full stop.

        Raises:
            PluginError: The name is not an identifier-like word, or the summary is empty.
        """


class Components(Protocol):
    """Looks components of all plugins up by kind and name; the kernel implements it."""

    def get(self, kind: str, name: str) -> Any:
        """Return the ready component of that kind and name.

        Args:
            kind: Plural name of the extension point, such as ``"agents"`` or ``"gates"``.
            name: The registered name.

        Raises:
            ComponentNotFound: No loaded plugin registers it; the message names the nearest.
        """

    def names(self, kind: str) -> dict[str, str]:
        """Return name and summary of every component of that kind, sorted by name."""

    def setting(self, section: str, key: str) -> Any:
        """Return a setting of config.toml, such as ``setting("engine", "middleware")``, or its default."""

    def opened_storage(self) -> Storage:
        """Return the configured storage, which is open.

        Raises:
            StorageError: Nobody has opened it: use ``async with kernel.storage()``.
        """

    def load_loops(self, spec: LoopSpec, source: Path | None) -> Mapping[str, LoopSpec]:
        """Load the loops that the steps of a spec, and theirs, run as child runs, by their path in the project.

        Args:
            spec: The loop.
            source: The file it came from; None: paths are relative to the project.

        Raises:
            SpecError: One of them has problems, or cannot be a part of the loop.
        """


@dataclass(frozen=True, slots=True)
class PluginContext:
    """What a component may know of its surroundings when it is made."""

    plugin: str
    """Name of the plugin that registered the component."""
    project: Path
    """The project folder; the base for relative paths in config and specs."""
    components: Components
    """Look-up of other components."""
    options: Any = None
    """The plugin's validated options (an instance of the model it registered), or None without one."""
