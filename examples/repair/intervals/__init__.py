"""Half-open intervals of whole numbers: the main loop of this example mends this package."""
