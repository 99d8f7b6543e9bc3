"""The calendar's leap years: the second loop of this example cannot mend this package."""
