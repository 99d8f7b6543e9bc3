"""Templates: finding those of the project, the user and the plugins, and making loops of them.

::

    template = find_template(kernel, "fix_ci").open()
    files = template.fill({"test_command": "make test"})  # path to text; loop.yaml is one of them

Names are imported on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt._lazy import attach

if TYPE_CHECKING:
    from .about import TemplateAbout, TemplateVariable
    from .finding import FoundTemplate, find_template, find_templates, templates_folder
    from .folders import MAX_BYTES, MAX_FILES, read_folder
    from .loops import LoopTemplate, make_template
    from .scalars import yaml_scalar
else:
    __getattr__, __dir__ = attach(
        __name__,
        {
            "about": ("TemplateAbout", "TemplateVariable"),
            "finding": ("FoundTemplate", "find_template", "find_templates", "templates_folder"),
            "folders": ("MAX_BYTES", "MAX_FILES", "read_folder"),
            "loops": ("LoopTemplate", "make_template"),
            "scalars": ("yaml_scalar",),
        },
    )

__all__ = [
    "MAX_BYTES",
    "MAX_FILES",
    "FoundTemplate",
    "LoopTemplate",
    "TemplateAbout",
    "TemplateVariable",
    "find_template",
    "find_templates",
    "make_template",
    "read_folder",
    "templates_folder",
    "yaml_scalar",
]
