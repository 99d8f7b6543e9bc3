"""The command ``loopengt plugins check``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from loopengt.cli import pass_kernel
from loopengt.display import visible

if TYPE_CHECKING:
    from loopengt import Kernel
    from loopengt_cli_plugins.checking.findings import ProbedPlugin
    from loopengt_cli_plugins.subjects import Subject


@click.command()
@click.argument("target", metavar="[NAME|PATH]", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
@pass_kernel
def check(kernel: Kernel, target: str | None, as_json: bool) -> None:
    """Look over a plugin: hooks, import, names, requirements and summaries. It is imported.

    NAME is an installed plugin or distribution, PATH the folder of one, by default the current one. Exits with 1 when
    there is something to mend.
    """
    from loopengt_cli_plugins.checking.asking import ask_probe
    from loopengt_cli_plugins.subjects import find_subject

    subject = find_subject(kernel, target)
    common = _common_problems(subject)
    probed = [ask_probe(subject, entry) for entry in subject.entries]
    problems = {plugin.name: _problems(kernel, subject, plugin) for plugin in probed}
    if as_json:
        click.echo(_as_json(subject, common, probed, problems))
    else:
        _tell(subject, common, probed, problems)
    if common or any(problems.values()):
        raise SystemExit(1)


def _common_problems(subject: Subject) -> list[str]:
    from loopengt.discovery import OWN_DISTRIBUTION
    from loopengt_cli_plugins.checking.names import distribution_problems
    from loopengt_cli_plugins.checking.requirements import requirement_problems

    if subject.distribution == OWN_DISTRIBUTION:
        return []
    return [*distribution_problems(subject), *requirement_problems(subject.requires)]


def _problems(kernel: Kernel, subject: Subject, plugin: ProbedPlugin) -> list[str]:
    from loopengt_cli_plugins.checking.imports import import_problems
    from loopengt_cli_plugins.checking.names import plugin_problems
    from loopengt_cli_plugins.checking.requirements import api_problems

    return [
        *plugin.findings,
        *import_problems(plugin),
        *plugin_problems(subject, plugin, kernel),
        *api_problems(plugin.api),
    ]


def _tell(
    subject: Subject, common: list[str], probed: list[ProbedPlugin], problems: dict[str, list[str]]
) -> None:
    click.echo(
        f"{subject.distribution or 'a distribution without a name'} {subject.version} ({subject.place})"
    )
    for problem in common:
        click.echo(f"  - {visible(problem)}")
    for plugin in probed:
        names = ", ".join(f"{component.kind}: {component.name}" for component in plugin.components)
        cost = f"imported in {plugin.seconds * 1e3:.1f} ms" + (
            f" with {', '.join(plugin.modules)}" if plugin.modules else ""
        )
        click.echo(f"{plugin.name}: {plugin.value}, {cost}; {names or 'registers nothing'}")
        for problem in problems[plugin.name]:
            click.echo(f"  - {visible(problem)}")
    number = len(common) + sum(map(len, problems.values()))
    click.echo("Nothing to mend." if not number else f"{number} thing{'s' * (number > 1)} to mend.")


def _as_json(
    subject: Subject, common: list[str], probed: list[ProbedPlugin], problems: dict[str, list[str]]
) -> str:
    import json
    from dataclasses import asdict

    plugins = [asdict(plugin) | {"findings": problems[plugin.name]} for plugin in probed]
    found = {
        "distribution": subject.distribution,
        "version": subject.version,
        "place": subject.place,
        "findings": common,
        "plugins": plugins,
    }
    return json.dumps(found, indent=2)
