"""The options of the plugin, ``[plugins.exporter_slack]`` in config.toml."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

__all__ = ["SlackOptions"]

Occasion = Literal["complete", "error", "pause"]


class SlackOptions(BaseModel):
    """Where messages go, and when; the address itself is never written into a file, since whoever has it can post."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url_env: Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=128)] = Field(
        default="SLACK_WEBHOOK_URL",
        description="Name of the environment variable that holds the address of the incoming webhook.",
    )
    tell: tuple[Occasion, ...] = Field(
        default=("complete", "error", "pause"),
        description="What the observer tells of: runs that are complete, ended short of their goal, or rest or ask.",
    )
    timeout_seconds: float = Field(default=10.0, gt=0, le=120, description="Seconds that one try may take.")
    patience_seconds: float = Field(
        default=30.0,
        gt=0,
        le=600,
        description="Seconds that a message may take in all, waiting as Slack asks included; the observer takes at "
        "most 4.",
    )
    include_details: bool = Field(
        default=True,
        description="Whether why a run ended, and what it asks, is told: texts of the loop or its agents.",
    )
