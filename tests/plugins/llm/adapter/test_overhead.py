"""What a request costs beyond the service's own client."""

from __future__ import annotations

import statistics
import time
from typing import Any

import pytest

from loopengt.testing import FakeOpenAI

Bench = Any


@pytest.mark.slow
async def test_a_request_costs_little_more_than_the_raw_client(server: FakeOpenAI, bench: Bench) -> None:
    """The median of requests is at most 3 ms above that of OpenAI's own client, taken turn by turn."""
    from openai import AsyncOpenAI

    ours = bench.model(server.url)
    async with AsyncOpenAI(base_url=server.url, api_key="none", max_retries=0) as raw:

        async def plain() -> None:
            await raw.chat.completions.create(model="m1", messages=[{"role": "user", "content": "hi"}])

        async def through() -> None:
            await ours.request(bench.ask(tools=[bench.add]))

        times: dict[Any, list[float]] = {plain: [], through: []}
        for _ in range(220):
            for send, taken in times.items():
                started = time.perf_counter()
                await send()
                taken.append(time.perf_counter() - started)
    base, whole = (statistics.median(taken[20:]) for taken in times.values())
    assert whole - base <= 0.003
