"""The options of the provider ``auto``: those of whichever provider is chosen."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

__all__ = ["AutoOptions"]


class AutoOptions(BaseModel):
    """Takes any option; the provider that is chosen has to know each of them."""

    model_config = ConfigDict(extra="allow", frozen=True)
