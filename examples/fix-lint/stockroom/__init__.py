"""A small stockroom: items, their movements, their prices, and reports on them."""
