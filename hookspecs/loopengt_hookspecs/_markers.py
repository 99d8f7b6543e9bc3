"""The two pluggy markers of the ``loopengt`` project."""

from __future__ import annotations

import pluggy

PROJECT = "loopengt"
"""Name of the pluggy project and of the entry-point group."""

hookspec = pluggy.HookspecMarker(PROJECT)
"""Marks a function of this package as a hook specification."""

hookimpl = pluggy.HookimplMarker(PROJECT)
"""Marks a function of a plugin as the implementation of a hook."""
