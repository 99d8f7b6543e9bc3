"""Where runs work: making, merging and clearing the folders, and what is in them."""
