"""The command ``loopengt template show``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from loopengt.cli import pass_kernel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopengt import Kernel
    from loopengt.templates import LoopTemplate, TemplateVariable

__all__ = ["show"]


@click.command("show")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object, with the text of every file.")
@pass_kernel
def show(kernel: Kernel, name: str, as_json: bool) -> None:
    """Show what a template is for, the values it takes, and its files.

    NAME is a template's name, a folder (with a / in it), or git+https://HOST/REPOSITORY#FOLDER@REF.
    """
    from loopengt.display import visible
    from loopengt_cli_template.opening import open_template

    template = open_template(kernel, name)
    if as_json:
        click.echo(json.dumps(_as_data(template), ensure_ascii=False, indent=2))
        return
    click.echo(visible("\n".join(_lines(template)), keep="\n\t"))


def _as_data(template: LoopTemplate) -> dict[str, Any]:
    return {
        "name": template.name,
        "source": template.source,
        "description": template.about.description,
        "variables": {
            name: each.model_dump(mode="json") | {"required": each.required}
            for name, each in template.about.variables.items()
        },
        "files": dict(template.files),
    }


def _lines(template: LoopTemplate) -> Iterator[str]:
    yield f"{template.name} ({template.source})"
    if template.about.description:
        yield template.about.description
    variables = template.about.variables
    if variables:
        yield "\nVariables, for --set:"
        width = max(map(len, variables))
        for name, each in variables.items():
            yield f"  {name:{width}}  {each.description} ({_value(each)})"
    yield "\nFiles:"
    for name in template.writes:
        yield f"  {name}"
    if template.readme:
        yield "\n" + template.readme.rstrip("\n")


def _value(variable: TemplateVariable) -> str:
    from loopengt.display import one_line

    among = f"one of {', '.join(map(str, variable.choices))}; " if variable.choices else ""
    return among + ("required" if variable.required else f"default: {one_line(variable.default)}")
