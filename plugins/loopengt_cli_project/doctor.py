"""The command ``loopengt doctor``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from loopengt.cli import pass_kernel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopengt import Kernel
    from loopengt_cli_project.findings import Finding

COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array of the findings.")
@pass_kernel
def doctor(kernel: Kernel, as_json: bool) -> None:
    """Check this machine and this project, and say how to mend what is not in order.

    Exits with 1 when a finding says fail.
    """
    from loopengt_cli_project.checks import CHECKS
    from loopengt_cli_project.findings import run_checks

    found: list[Finding] = []
    for finding in run_checks(kernel, CHECKS):
        found.append(finding)
        if not as_json:
            _print(finding)
    if as_json:
        click.echo(_to_json(found))
    if any(finding.status == "fail" for finding in found):
        click.get_current_context().exit(1)


def _print(finding: Finding) -> None:
    status = click.style(f"{finding.status:4}", fg=COLOURS[finding.status])
    remedy = f" -> {finding.remedy}" if finding.remedy else ""
    click.echo(f"{status}  {finding.check}: {finding.message}{remedy}")


def _to_json(findings: Sequence[Finding]) -> str:
    import dataclasses
    import json

    return json.dumps([dataclasses.asdict(finding) for finding in findings], indent=2, ensure_ascii=False)
