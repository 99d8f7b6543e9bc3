"""Reading and lowering prices."""

from decimal import Decimal

from stockroom.pricing import parse_price, with_discount


def test_a_price_may_have_a_decimal_comma() -> None:
    """Comma and point are both read."""
    assert parse_price("1,50") == parse_price("1.50") == Decimal("1.50")


def test_text_that_is_no_price_is_none() -> None:
    """What is not a number has no price."""
    assert parse_price("dear") is None


def test_a_discount_is_rounded_to_cents() -> None:
    """Half a cent is rounded up."""
    assert with_discount(Decimal("0.30"), 5) == Decimal("0.29")
