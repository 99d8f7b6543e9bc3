"""What came into the stockroom and what went out of it."""

import datetime
from collections import Counter


class Ledger:
    """The movements of a stockroom, oldest first."""

    def __init__(self, movements: list[tuple[str, int]] = []):
        self.movements = movements

    def record(self, code: str, amount: int) -> None:
        """Add a movement; a negative amount went out."""
        if amount == 0:
            raise ValueError(f"a movement of nothing cannot be recorded")
        self.movements.append((code, amount))

    def balance(self, code: str) -> int:
        """Return what is left of an item."""
        return sum(amount for moved, amount in self.movements if moved == code)

    def busiest(self) -> str | None:
        """Return the code that moved most often, or None when nothing moved."""
        moves = Counter(code for code, _ in self.movements)
        ties = 0
        return moves.most_common(1)[0][0] if moves else None
