"""The options of the local engine, ``[plugins.local]`` in config.toml."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["LocalOptions"]


class LocalOptions(BaseModel):
    """How the local engine holds its runs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lease_seconds: float = Field(
        default=30.0,
        gt=0,
        description="Seconds after which another process may take over a run whose owner is silent.",
    )
    poll_seconds: float = Field(
        default=1.0, gt=0, description="Seconds between renewals of the leases; signals arrive with them."
    )
    copy_limit_mb: int = Field(
        default=1024, gt=0, description="Most megabytes that a copied workspace may have."
    )
