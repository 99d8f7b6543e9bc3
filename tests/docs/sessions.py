"""Executes the commands of a page, in the order of the page, in one shell and one scratch project."""

from __future__ import annotations

import os
import re
import secrets
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .commands import Command, commands_of

if TYPE_CHECKING:
    from .blocks import Block, Page

__all__ = ["differs", "run_page"]

SECONDS = 180
SECRETS = re.compile(r"KEY|TOKEN|SECRET|PASSWORD")
INSTALLS = re.compile(r"(pip install|python3 -m venv|\. \.venv/)[^&|;]*")
"""Commands that are taken for done: what they install is what is tested."""
_VARYING = re.compile(
    r"(?P<run>\d{8}-\d{6}-[0-9a-f]{10})|(?P<digest>\b[0-9a-f]{40,64}\b)|(?P<seconds>\d+(\.\d+)?\s?m?s\b)"
    r"|(?P<clock>\d\d:\d\d(:\d\d)?(\.\d+)?Z?)|(?P<day>\d{4}-\d\d-\d\d)|(?P<blank>\s+)|(?P<any>…)"
)
_FORMS = {
    "run": r"\d{8}-\d{6}-[0-9a-f]{10}",
    "digest": r"[0-9a-f]{40,64}",
    "seconds": r"\d+(?:\.\d+)?\s?m?s",
    "clock": r"[\d:.]+Z?",
    "day": r"\d{4}-\d\d-\d\d",
    "blank": r"\s+",
    "any": r".*",
}


@dataclass
class Step:
    """Something that the shell does: a command, or a file of the page that is put into the project."""

    place: str
    text: str
    exit_code: int = 0
    shown: tuple[str, ...] = ()


def _pattern(line: str) -> str:
    found, end = "", 0
    for match in _VARYING.finditer(line.rstrip()):
        found += re.escape(line[end : match.start()]) + _FORMS[match.lastgroup or "any"]
        end = match.end()
    return found + re.escape(line.rstrip()[end:])


def differs(shown: list[str] | tuple[str, ...], printed: str) -> str:
    """Say how what was printed differs from what a page shows; empty when it does not.

    Ids of runs, times, durations and blanks may differ; ``…`` stands for any text, on a line of its own for any lines.
    """
    lines = [line.rstrip() for line in printed.splitlines() if line.strip()]
    expected = [line for line in shown if line.strip()]
    form = "".join(
        "(?:.*\n)*?" if line.strip() == "…" else f"[ \t]*{_pattern(line.strip())}[ \t]*\n"
        for line in expected
    )
    if re.fullmatch(form, "".join(f"{line}\n" for line in lines)):
        return ""
    missing = [
        line
        for line in expected
        if not any(re.fullmatch(r"\s*" + _pattern(line.strip()), it) for it in lines)
    ]
    first = f"; not printed: {missing[0]!r}" if missing else ""
    return f"it prints something else than is shown{first}\n{printed}"


def _steps(block: Block, page: Page, staged: Path) -> list[Step]:
    skipped = "skip" in block.marks
    if block.file:
        staged.write_text(block.text, encoding="utf-8")
        target = f"'{block.file}'"
        return [Step(block.place, f"mkdir -p \"$(dirname {target})\" && cp '{staged}' {target}")]
    if skipped:
        return []
    if block.language == "python":
        staged.write_text(block.text, encoding="utf-8")
        return [Step(block.place, f"python '{staged}'")]
    if not block.is_shell:
        return []
    commands: list[Command] = commands_of(block)
    steps = []
    for command in commands:
        text = command.text
        if INSTALLS.fullmatch(text):
            continue
        for word, value in page.words.items():
            text = re.sub(rf"\b{re.escape(word)}\b", value.replace("\\", r"\\"), text)
        steps.append(Step(f"{block.page}:{block.line + command.line + 1}", text, 0, tuple(command.shown)))
    if steps and "exit" in block.marks:
        steps[-1].exit_code = int(block.marks["exit"])
    return steps


def _environ(home: Path) -> dict[str, str]:
    """An environment as on a machine that has loopengt and nothing of its owner's."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("LOOPENGT_", "PYTEST_", "CI")) and not SECRETS.search(name)
    }
    path = os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", "")])
    own = {"PATH": path, "HOME": str(home), "XDG_STATE_HOME": str(home / "state"), "COLUMNS": "110"}
    own |= {"NO_COLOR": "1", "PYTHONDONTWRITEBYTECODE": "1", "GIT_CONFIG_GLOBAL": os.devnull}
    return kept | own


def run_page(page: Page, setup: str, folder: Path) -> list[str]:
    """Execute a page; return what did not go as the page says.

    Args:
        page: The page.
        setup: Commands that make the scratch project that the page takes for granted.
        folder: An empty folder, for the project and the rest.
    """
    for name in ("project", "home", "staged"):
        (folder / name).mkdir()
    steps = [Step("the setup", setup)] if setup else []
    for number, block in enumerate(page.blocks):
        steps += _steps(block, page, folder / "staged" / f"{number}.py")
    mark = f"=={secrets.token_hex(8)}=="
    script = "".join(
        f"{{\n{step.text}\n}} 2>&1 </dev/null; code=$?\nprintf '\\n{mark} %d\\n' $code\n" for step in steps
    )
    (folder / "page.sh").write_text(script, encoding="utf-8")
    done = _printed(folder)
    if done is None:
        shown = (folder / "printed").read_text(encoding="utf-8", errors="replace")
        return [f"{page.path}: not done after {SECONDS} s; so far: {shown[-2000:]}"]
    *parts, rest = re.split(rf"^{mark} (\d+)\n", done, flags=re.MULTILINE)
    outputs = list(zip(parts[::2], map(int, parts[1::2]), strict=True))
    found = [] if len(outputs) == len(steps) else [f"{page.path}: the shell broke off: {rest[-500:]}"]
    for step, (printed, code) in zip(steps, outputs, strict=False):
        if setup and step is steps[0] and code:
            return [f"{page.path}: its project {page.project!r} could not be made:\n{printed[-3000:]}"]
        if code != step.exit_code:
            found.append(
                f"{step.place}: {step.text!r} ends with {code}, not {step.exit_code}\n{printed[-3000:]}"
            )
        elif step.shown and (problem := differs(step.shown, printed)):
            found.append(f"{step.place}: {step.text!r}: {problem}")
    return found


def _printed(folder: Path) -> str | None:
    """Run the script in a process group of its own, which is ended in any case; None: it took too long."""
    with (folder / "printed").open("w+b") as output:
        shell = subprocess.Popen(
            ["bash", "--norc", str(folder / "page.sh")],
            cwd=folder / "project",
            env=_environ(folder / "home"),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            shell.wait(SECONDS)
        except subprocess.TimeoutExpired:
            return None
        finally:
            with suppress(ProcessLookupError):
                os.killpg(shell.pid, signal.SIGKILL)
            shell.wait()
        output.seek(0)
        return output.read().decode(errors="replace")
