"""A judge for loopengt that scores how easy a text is to read."""
