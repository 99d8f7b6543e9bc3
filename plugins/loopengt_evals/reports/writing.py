"""Writes the reports that were asked for."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from loopengt.errors import LoopengtError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopengt.redaction import Redactor
    from loopengt_evals.reports.report import Report
    from loopengt_evals.suites.comparing import Comparison

__all__ = ["Reports"]


@dataclass(frozen=True, slots=True)
class Reports:
    """Which reports are written, and where."""

    as_json: bool = False
    junit: str | None = None
    markdown: str | None = None
    html: str | None = None

    def check(self) -> None:
        """Refuse files that cannot be written, before anything is paid for.

        Raises:
            UsageError: A folder is not there, or a file is a folder.
        """
        for name in filter(None, (self.junit, self.markdown, self.html)):
            if Path(name).is_dir() or not Path(name).absolute().parent.is_dir():
                raise click.UsageError(f"The report {name!r} cannot be written: make its folder first.")

    def write(self, report: Report, redactor: Redactor) -> None:
        """Print an evaluation, and write its files.

        Args:
            report: The evaluation.
            redactor: Takes secrets out of what leaves.

        Raises:
            LoopengtError: A file cannot be written.
        """
        from loopengt_evals.reports.data import report_data
        from loopengt_evals.reports.text import to_text

        # The files come first: they are kept also when nobody reads what is printed.
        for name, text in self._files(report):
            _write(Path(name), redactor.text(text))
        shown = _dumped(report_data(report)) if self.as_json else to_text(report)
        click.echo(redactor.text(shown))

    def _files(self, report: Report) -> Iterator[tuple[str, str]]:
        if self.junit is not None:
            from loopengt_evals.reports.junit import to_junit

            yield self.junit, to_junit(report)
        if self.markdown is not None:
            from loopengt_evals.reports.markdown import to_markdown

            yield self.markdown, to_markdown(report)
        if self.html is not None:
            from loopengt_evals.reports.html import to_html

            yield self.html, to_html(report)

    def write_comparison(self, comparison: Comparison, redactor: Redactor) -> None:
        """Print a comparison that stands by itself, and write its files.

        Args:
            comparison: The comparison.
            redactor: Takes secrets out of what leaves.

        Raises:
            LoopengtError: A file cannot be written.
        """
        from loopengt_evals.reports.data import comparison_data
        from loopengt_evals.reports.text import comparison_lines

        if self.markdown is not None:
            from loopengt_evals.reports.markdown import comparison_markdown

            _write(Path(self.markdown), redactor.text(comparison_markdown(comparison)))
        if self.html is not None:
            from loopengt_evals.reports.html import comparison_html

            _write(Path(self.html), redactor.text(comparison_html(comparison)))
        lines = "\n".join(comparison_lines(comparison))
        click.echo(redactor.text(_dumped(comparison_data(comparison)) if self.as_json else lines))


def _dumped(data: Any) -> str:
    return json.dumps(data, indent=2, default=str)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8", errors="replace")
    except OSError as exc:
        raise LoopengtError(
            f"the report {path} cannot be written: {exc.strerror}", remedy="Name another file."
        ) from exc
