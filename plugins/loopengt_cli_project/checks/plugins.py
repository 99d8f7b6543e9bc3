"""Checks of the config, of the plugins, and of the components that the config names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt import ConfigError, LoopengtError
from loopengt.consent import PROJECT_FILE, PROJECT_PLUGIN, read_if_allowed
from loopengt_cli_project.findings import Finding, Status, from_error, has_config, one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopengt import Kernel, PluginRecord

__all__ = ["check_components", "check_config", "check_plugins"]


def check_config(kernel: Kernel) -> Iterator[Finding]:
    """Read all settings, those of the plugins too."""
    file = kernel.folder / "config.toml"
    try:
        _ = kernel.config
    except ConfigError as error:
        for line in str(error).splitlines():
            yield Finding("config", "fail", line)
        return
    found = [Finding("config", "warn", one_line(problem)) for problem in kernel.problems()]
    for record in kernel.plugins:
        if record.status == "loaded":
            found += _wrong_options(kernel, record)
    yield from found or [Finding("config", "ok", str(file) if file.exists() else "default settings")]


def _wrong_options(kernel: Kernel, record: PluginRecord) -> Iterator[Finding]:
    try:
        if kernel.options_model(record.name) is not None:
            kernel.plugin_options(record.name)
    except LoopengtError as error:
        yield from_error("config", error)


def check_plugins(kernel: Kernel) -> Iterator[Finding]:
    """Tell of every plugin that is not loaded, and count the others."""
    loaded = 0
    for record in kernel.plugins:
        if record.status == "loaded":
            loaded += 1
            for deprecation in record.deprecations:
                update = f"pip install -U {record.distribution}" if record.distribution else ""
                yield Finding("plugins", "warn", deprecation, update)
        elif record.status == "failed":
            remedy = record.remedy or f"loopengt plugins info {record.name}"
            yield Finding("plugins", "fail", f"{_named(record)} failed: {record.reason}", one_line(remedy))
        else:
            # What a person has switched off is as it should be; what is off for another reason is not.
            wanted = has_config(kernel) and not _awaits_consent(kernel, record)
            status: Status = "ok" if wanted else "warn"
            yield Finding(
                "plugins", status, f"{_named(record)} is off: {record.reason}", one_line(record.remedy)
            )
    yield Finding("plugins", "ok", f"{loaded} loaded")


def _awaits_consent(kernel: Kernel, record: PluginRecord) -> bool:
    """Whether it is the project's own plugin, which runs only once a person has allowed it."""
    own = record.name == PROJECT_PLUGIN and not record.distribution
    return own and read_if_allowed(kernel.project / PROJECT_FILE, kernel.environ)[1] is not None


def _named(record: PluginRecord) -> str:
    origin = f"{record.distribution} {record.version}" if record.distribution else record.origin
    return f"{record.name} ({origin})"


def check_components(kernel: Kernel) -> Iterator[Finding]:
    """Make what the config names: the engine, the middleware and the observers."""
    wanted = [("engines", kernel.config.engine.name)]
    wanted += [("middleware", name) for name in kernel.config.engine.middleware]
    wanted += [("observers", name) for name in kernel.config.observers.names]
    failed = False
    for kind, name in wanted:
        try:
            kernel.get(kind, name)
        except LoopengtError as error:
            failed = True
            yield from_error("components", error)
    if not failed:
        yield Finding("components", "ok", ", ".join(f"{kind} {name}" for kind, name in wanted))
