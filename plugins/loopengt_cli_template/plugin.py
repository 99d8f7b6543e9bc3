"""Registers the command ``template``."""

from __future__ import annotations
