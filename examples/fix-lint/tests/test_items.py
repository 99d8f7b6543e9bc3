"""Reading items from rows of text."""

from stockroom.items import Item, parse_item, parse_items


def test_a_row_becomes_an_item() -> None:
    """The text is trimmed, the code is in capitals and the quantity is a number."""
    row = {"code": " m4 ", "name": "Bolt ", "quantity": "12", "shelf": "A1"}
    assert parse_item(row) == Item("M4", "Bolt", 12, "A1")


def test_an_empty_shelf_is_none() -> None:
    """A missing shelf and a blank one mean the same."""
    row = {"code": "m4", "name": "Bolt", "quantity": "1"}
    assert parse_item(row).shelf is None
    assert parse_item({**row, "shelf": "  "}).shelf is None


def test_rows_keep_their_order() -> None:
    """Items come in the order of their rows."""
    rows = [{"code": code, "name": code, "quantity": "1"} for code in ("b", "a")]
    assert [item.code for item in parse_items(rows)] == ["B", "A"]
