"""The command ``loopengt plugins test``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from loopengt.cli import pass_kernel
from loopengt.display import visible
from loopengt.naming import singular

if TYPE_CHECKING:
    from loopengt import Kernel
    from loopengt_cli_plugins.checking.findings import ProbedPlugin
    from loopengt_cli_plugins.suites.running import Outcome

TAIL = 15
"""Last lines of pytest that are shown when it says no more than that it failed."""


@click.command()
@click.argument("target", metavar="[NAME|PATH]", required=False)
@click.option("--only", type=click.Choice(["contract", "own"]), help="Leave the other tests out.")
@click.option("--verbose", "-v", is_flag=True, help="Name the rules that were kept and left out, too.")
@pass_kernel
def test(kernel: Kernel, target: str | None, only: str | None, verbose: bool) -> None:
    """Hold what a plugin registers against the contract of its kind, and run the plugin's own tests.

    NAME is an installed plugin or distribution, PATH the folder of one, by default the current one. Exits with 1 when
    a rule is broken. The plugin is imported and used.
    """
    from loopengt_cli_plugins.checking.asking import ask_probe
    from loopengt_cli_plugins.subjects import find_subject
    from loopengt_cli_plugins.suites.cases import things_of
    from loopengt_cli_plugins.suites.running import check_pytest, run_own_tests, run_suites

    check_pytest()
    subject = find_subject(kernel, target)
    good = True
    if only != "own":
        probed = [ask_probe(subject, entry) for entry in subject.entries]
        broken = [plugin for plugin in probed if not _is_sound(plugin)]
        for plugin in broken:
            _tell_unsound(plugin)
        sound = [plugin for plugin in probed if plugin not in broken]
        good = not broken
        if any(map(things_of, sound)):
            good = _tell_suites(sound, run_suites(subject, sound), verbose=verbose) and good
        elif sound:
            click.echo("contract: it registers nothing that could be held against one")
    if only != "contract":
        own = run_own_tests(subject)
        if own is not None:
            good = _tell_own(own) and good
        elif subject.folder is not None:
            click.echo("own tests: there are none")
    if not good:
        raise SystemExit(1)


def _is_sound(plugin: ProbedPlugin) -> bool:
    return not plugin.findings and not any(component.problem for component in plugin.components)


def _tell_unsound(plugin: ProbedPlugin) -> None:
    click.echo(f"{plugin.name} cannot be tested:")
    for finding in (*plugin.findings, *(item.problem for item in plugin.components if item.problem)):
        click.echo(f"  - {visible(finding)}")


def _tell_suites(plugins: list[ProbedPlugin], outcome: Outcome, *, verbose: bool) -> bool:
    """Print what became of each component; return whether all is good."""
    from loopengt_cli_plugins.suites.cases import suite_name, things_of
    from loopengt_cli_plugins.suites.contracts import contract_of

    for plugin in plugins:
        for kind, name in things_of(plugin):
            what = f"{singular(kind)} {name}" if kind != "options" else f"options of {name}"
            if contract_of(kind) is None:
                click.echo(f"{what}: the test kit has no suite for its kind")
            else:
                suite = suite_name(kind, name)
                _tell_suite(what, [test for test in outcome.tests if test["suite"] == suite], verbose=verbose)
    if not outcome.is_good and not any(test["suite"] for test in outcome.failed):
        _tell_tail(outcome)
    return outcome.is_good


def _tell_suite(what: str, tests: list[dict[str, str]], *, verbose: bool) -> None:
    kept = [test for test in tests if test["outcome"] == "passed"]
    failed = [test for test in tests if test["outcome"] == "failed"]
    skipped = [test for test in tests if test["outcome"] == "skipped"]
    left_out = f", {len(skipped)} left out" if skipped else ""
    click.echo(f"{what}: {len(kept)} rules kept, {len(failed)} broken{left_out}")
    for rule in failed:
        _tell_rule(rule)
    if verbose:
        for rule in kept:
            click.echo(f"  + {rule['rule']}")
        for rule in skipped:
            click.echo(f"  ? {rule['rule']} ({rule['why']})")


def _tell_own(outcome: Outcome) -> bool:
    passed = sum(test["outcome"] == "passed" for test in outcome.tests)
    click.echo(f"own tests: {passed} passed, {len(outcome.failed)} failed")
    for failure in outcome.failed:
        _tell_rule(failure)
    if not outcome.is_good and not outcome.failed:
        _tell_tail(outcome)
    return outcome.is_good


def _tell_rule(rule: dict[str, str]) -> None:
    click.echo(f"  - {rule['rule']}")
    click.echo(f"    {rule['test'].rpartition('::')[2]}: {visible(rule['why'])}")


def _tell_tail(outcome: Outcome) -> None:
    click.echo(f"  pytest ended with exit code {outcome.code}:")
    for line in outcome.output.strip().splitlines()[-TAIL:]:
        click.echo(f"  {visible(line)}")
