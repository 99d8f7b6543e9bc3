"""Extension point: embedders, which turn texts into vectors whose nearness says how much the texts have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from loopengt_hookspecs._markers import hookspec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopengt_hookspecs.errors import MissingRequirement
    from loopengt_hookspecs.registration import Register

__all__ = ["Embedder", "loopengt_register_embedders"]


class Embedder(Protocol):
    """Makes embeddings, all with the same number of dimensions."""

    @property
    def model(self) -> str:
        """Name of the model behind it: vectors of different models are never compared."""

    def missing(self) -> list[MissingRequirement]:
        """Return what this machine lacks for it; each names the command that mends it."""

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return one vector a text, in order.

        Raises:
            AgentError: It failed.
        """


@hookspec
def loopengt_register_embedders(register: Register[Embedder]) -> None:
    """Register embedders.

    Called once when the plugin is loaded. ``[memory] embedder`` of config.toml says which is used; without one,
    memories are searched by words alone.

    Args:
        register: ``register(name, target, summary=…)``; the target is an ``Embedder``.

    Raises:
        PluginError: Another plugin registers an embedder of the same name.

    Since: 0.2
    """
