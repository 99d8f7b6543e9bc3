"""The built-in commands ``loopengt plugins …``: which plugins there are, and switching them."""
