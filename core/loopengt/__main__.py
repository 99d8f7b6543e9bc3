"""Runs the ``loopengt`` program as ``python -m loopengt``."""

from __future__ import annotations

import sys

from loopengt.cli import main

sys.exit(main())
