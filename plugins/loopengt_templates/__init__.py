"""The built-in templates: folders from which new loops are made."""
