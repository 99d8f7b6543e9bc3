"""Installs and uninstalls plugins, in the environment that loopengt itself runs in."""
