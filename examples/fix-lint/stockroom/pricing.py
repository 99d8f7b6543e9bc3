"""Prices of items, in exact decimal numbers."""

from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")


def parse_price(text: str) -> Decimal | None:
    """Read a price such as ``1,50``; None when the text is not a price."""
    try:
        return Decimal(text.replace(",", ".")).quantize(CENT, ROUND_HALF_UP)
    except:
        return None


def with_discount(price: Decimal, percent: int) -> Decimal:
    """Lower a price by some percent, rounded to cents."""
    factor = (100 - Decimal(percent)) / 100
    return (price * factor).quantize(CENT, ROUND_HALF_UP)
