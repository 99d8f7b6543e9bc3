"""Items of the stockroom and how they are read from rows of text."""

from typing import Dict, List, Optional
from dataclasses import dataclass
import re


@dataclass(frozen=True)
class Item:
    """An article that is kept in stock."""

    code: str
    name: str
    quantity: int
    shelf: Optional[str] = None


def parse_item(row: Dict[str, str]) -> Item:
    """Make an item of a row of text; an empty shelf is none."""
    shelf = row.get("shelf")
    return Item(
        code=row["code"].strip().upper(),
        name=row["name"].strip(),
        quantity=int(row["quantity"]),
        shelf=None if shelf == None or not shelf.strip() else shelf.strip(),
    )


def parse_items(rows: List[Dict[str, str]]) -> List[Item]:
    """Make items of many rows, in their order."""
    return [parse_item(row) for row in rows]
