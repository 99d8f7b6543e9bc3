"""Recording movements and summing them up."""

import pytest

from stockroom.ledger import Ledger


def test_the_balance_sums_what_came_and_went() -> None:
    """Only movements of the item in question count."""
    ledger = Ledger([("M4", 10), ("M6", 5)])
    ledger.record("M4", -3)
    assert ledger.balance("M4") == 7


def test_a_new_ledger_is_empty() -> None:
    """What one ledger records does not appear in the next."""
    Ledger().record("M4", 1)
    assert Ledger().balance("M4") == 0


def test_the_busiest_item_moved_most_often() -> None:
    """Movements are counted, not their amounts."""
    assert Ledger([("M4", 1), ("M6", 50), ("M4", 1)]).busiest() == "M4"
    assert Ledger([]).busiest() is None


def test_a_movement_of_nothing_is_refused() -> None:
    """An amount of zero is an error."""
    with pytest.raises(ValueError, match="nothing"):
        Ledger().record("M4", 0)
