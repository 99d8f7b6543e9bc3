"""Makes the pages of docs/plugins from the source of the contracts, which is read and not imported."""
