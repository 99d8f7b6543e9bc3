"""An IDE adapter: one file that tells a tool's agent about loops."""

from pathlib import Path

from loopengt_hookspecs import hookimpl
from loopengt_hookspecs.adapters import Adapter, AdapterStatus, Change, Scope
from loopengt_hookspecs.registration import Register

TEXT = "Written by loopengt.\nRun a loop with `loopengt run`, and look at it with `loopengt trace latest`.\n"


class Notes:
    """Writes the file, and touches none that says something else."""

    def install(self, project: Path, *, scope: Scope, dry_run: bool = False) -> list[Change]:
        file, text = self._look(project, scope)
        if text not in (None, TEXT):
            return [Change(f"{file} is not ours, and stays as it is.", file, text, text)]
        if text is None and not dry_run:
            file.write_bytes(TEXT.encode())
        return [Change(f"Write {file}.", file, text, TEXT)]

    def uninstall(self, project: Path, *, scope: Scope, dry_run: bool = False) -> list[Change]:
        file, text = self._look(project, scope)
        if text != TEXT:
            return [Change(f"There is nothing of ours in {file}.", file, text, text)]
        if not dry_run:
            file.unlink()
        return [Change(f"Remove {file}.", file, text, None)]

    def status(self, project: Path, *, scope: Scope) -> AdapterStatus:
        file, text = self._look(project, scope)
        return AdapterStatus("installed", files=(file,)) if text == TEXT else AdapterStatus("not installed")

    def tool_version(self) -> str | None:
        return None

    def _look(self, project: Path, scope: Scope) -> tuple[Path, str | None]:
        file = (project if scope == "project" else Path.home()) / "ACME-NOTES.md"
        return file, file.read_bytes().decode(errors="replace") if file.exists() else None


@hookimpl
def loopengt_register_adapters(register: Register[Adapter]) -> None:
    register("acme", Notes, summary="Notes on loops for the agent of Acme")
