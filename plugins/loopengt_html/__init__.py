"""The exporter ``html``: a run as one page that explains itself."""
