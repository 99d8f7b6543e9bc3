"""The commands of ``loopengt adapter``."""
