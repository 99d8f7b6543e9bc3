"""Which years are leap years, and how long they are."""


def is_leap(year: int) -> bool:
    """Tell whether a year of the Gregorian calendar is a leap year."""
    return year % 4 == 0


def days_in(year: int) -> int:
    """Return the number of days of a year."""
    return 366 if is_leap(year) else 365
