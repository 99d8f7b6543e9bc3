"""The middleware ``log``."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from loopengt import get_logger

if TYPE_CHECKING:
    from loopengt_hookspecs.agents import AgentReply, AgentRequest
    from loopengt_hookspecs.middleware import CallNext


class LogMiddleware:
    """Logs each attempt once, when it is over: ``info`` when it was done, ``warning`` when it was not."""

    async def __call__(self, request: AgentRequest, call_next: CallNext) -> AgentReply:
        """Pass the attempt on and log how it came out."""
        log = get_logger("loopengt.attempt").bind(
            run_id=request.run_id,
            step=request.step,
            occurrence=request.occurrence,
            attempt=request.attempt,
            agent=request.agent.name,
            provider=request.agent.config.provider,
        )
        started = time.monotonic()
        try:
            reply = await call_next(request)
        except asyncio.CancelledError:
            log.warning("attempt cancelled", seconds=_since(started))
            raise
        except Exception as exc:
            log.warning("attempt failed", seconds=_since(started), error=f"{type(exc).__name__}: {exc}")
            raise
        log.info(
            "attempt done",
            seconds=_since(started),
            tokens=sum(reply.token_usage.values()),
            cost_usd=reply.cost_usd,
        )
        return reply


def _since(started: float) -> float:
    return round(time.monotonic() - started, 3)
