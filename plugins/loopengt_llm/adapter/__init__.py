"""The model adapter ``pydantic_ai``: one request at a time through pydantic-ai, which is imported on first use."""

from __future__ import annotations

from loopengt_llm.adapter.adapter import PydanticAiAdapter

__all__ = ["PydanticAiAdapter"]
