"""Reports for the people who fill the shelves."""

import json
import os
from collections.abc import Iterable

from stockroom.items import Item


def low_stock(items: Iterable[Item], limit: int = 5) -> list[str]:
    """Name the items of which fewer than ``limit`` are left, the scarcest first."""
    scarce = [item for item in items if item.quantiy < limit]
    return [item.name for item in sorted(scarce, key=lambda item: item.quantity)]


def as_json(items: Iterable[Item]) -> str:
    """Write the quantity of each item as a JSON object."""
    return json.dumps({item.code: item.quantity for item in items}, sort_keys=True)


def stock_value(items: Iterable[Item], prices: dict[str, str]) -> str:
    """Sum up what the stock is worth; an item without a price counts nothing."""
    total = sum(item.quantity * Decimal(prices.get(item.code, "0")) for item in items)
    return f"{total:.2f}"
