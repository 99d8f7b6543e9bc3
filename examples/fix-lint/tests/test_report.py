"""Reports on the stock."""

from stockroom.items import Item
from stockroom.report import as_json, low_stock, stock_value

ITEMS = [Item("M4", "Bolt", 4), Item("M6", "Nut", 1), Item("M8", "Washer", 50)]


def test_scarce_items_come_first() -> None:
    """Only items below the limit are named, by their quantity."""
    assert low_stock(ITEMS) == ["Nut", "Bolt"]


def test_the_stock_can_be_written_as_json() -> None:
    """The object has each item's quantity under its code."""
    assert as_json(ITEMS) == '{"M4": 4, "M6": 1, "M8": 50}'


def test_the_value_of_the_stock_is_summed() -> None:
    """An item without a price counts nothing."""
    assert stock_value(ITEMS, {"M4": "0.25", "M6": "1.10"}) == "2.10"
