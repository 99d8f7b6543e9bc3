"""``loopengt plugins info`` and ``list --requirements``: what metadata, components and options say."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

from loopengt_cli_plugins.options import model_options

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

    from ...conftest import Site

AGENT = """
    @hookimpl
    def loopengt_register_agents(register):
        register("acme", "acme_agent:Provider", summary="Asks acme")
        register("torn", "no_such_module:Provider", summary="Is torn")
"""

PROVIDER = """
    from pydantic import BaseModel, Field

    class Options(BaseModel):
        size: int | None = Field(default=None, description="How large")

    class Provider:
        options = Options
"""


@pytest.fixture
def kit(site: Site) -> Site:
    """A site with a plugin that has an agent with options, one that is torn, links and requirements."""
    site.install("acme-kit", {"acme": "acme_plugin"}, {"acme_plugin": AGENT, "acme_agent": PROVIDER})
    info = next(site.folder.glob("acme_kit-*.dist-info"))
    with (info / "METADATA").open("a") as metadata:
        metadata.write("Project-URL: Homepage, https://example.org\n")
        metadata.write("Project-URL: Documentation, https://docs.example.org\n")
        metadata.write("Requires-Dist: loopengt>=0.2\nRequires-Dist: pytest; extra == 'dev'\n")
    (info / "direct_url.json").write_text('{"url": "git+https://me:secret@example.org/acme.git"}')
    return site


def test_info_tells_of_components_and_links(kit: Site, project: Path) -> None:
    """Options of an agent are shown with type and default; of one that cannot be imported, why not."""
    done = kit.run("plugins", "info", "acme", cwd=project)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert "docs:         https://docs.example.org" in lines
    assert "agents:       acme: Asks acme" in lines
    assert "                size (int | None, default None): How large" in lines
    assert "its options are not known: the agent 'torn'" in done.stdout
    told: dict[str, Any] = json.loads(kit.run("plugins", "info", "acme", "--json", cwd=project).stdout)[0]
    assert told["docs"] == "https://docs.example.org"
    assert told["components"][0]["options"][0]["name"] == "size"


def test_requirements_say_what_each_needs(kit: Site, project: Path) -> None:
    """Needs and origin are comments, so that the lines are still requirements; extras and passwords are left out."""
    lines = kit.run("plugins", "list", "--requirements", cwd=project).stdout.splitlines()
    place = lines.index("acme-kit==1.0")
    assert lines[place + 1 : place + 3] == [
        "    # installed from git+https://example.org/acme.git",
        "    # needs loopengt>=0.2",
    ]
    assert all("==" in line or line.lstrip().startswith("# ") for line in lines)


def test_types_are_written_as_a_person_would() -> None:
    """What validates a value is no part of its type."""

    class Options(BaseModel):
        words: Annotated[list[Annotated[str, Field(min_length=1)]], Field(description="Words")]
        way: Literal["up", "down"] | None = Field(default=None, alias="direction")

    words, way = model_options(Options)
    assert str(words) == "words (list[str], required): Words"
    assert str(way) == "direction ('up' | 'down' | None, default None): no description"


def test_the_group_lists_its_commands(call: Callable[..., Result]) -> None:
    """Every command is named, with what it does."""
    output = call("--help").output
    for name in (
        "allow",
        "check",
        "disable",
        "enable",
        "info",
        "install",
        "list",
        "new",
        "test",
        "uninstall",
    ):
        assert f"\n  {name}  " in output
