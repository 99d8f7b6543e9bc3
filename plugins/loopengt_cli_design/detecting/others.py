"""Recognises projects in languages other than Python, by the file that their build tools read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from loopengt_cli_design.detecting.check import Check
from loopengt_cli_design.detecting.reading import has_file, json_of, text_of

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["dotnet", "elixir", "go", "java", "node", "php", "ruby", "rust"]

_NO_TESTS: Final = "no test specified"
"""What npm's own placeholder of a test script prints."""
_MANAGERS: Final = {
    "pnpm-lock.yaml": "pnpm",
    "yarn.lock": "yarn",
    "bun.lock": "bun",
    "bun.lockb": "bun",
}
_PROVES = "The tests pass."


def node(project: Path) -> tuple[str, list[Check]] | None:
    """Recognise a project of Node.js: its scripts ``test`` and ``lint``, by the package manager of its lock file."""
    if not has_file(project, "package.json"):
        return None
    scripts = json_of(project / "package.json").get("scripts")
    scripts = scripts if isinstance(scripts, dict) else {}
    manager = next((name for file, name in _MANAGERS.items() if has_file(project, file)), "npm")
    found = []
    if _is_script(scripts.get("test")):
        # bun has tests of its own under that name; "bun run" means the script.
        command = ("bun", "run", "test") if manager == "bun" else (manager, "test")
        found.append(Check(f"{manager}-test", command, "The package's test script passes.", tests=True))
    if _is_script(scripts.get("lint")):
        found.append(Check(f"{manager}-lint", (manager, "run", "lint"), "The package's lint script passes."))
    return "TypeScript" if has_file(project, "tsconfig.json") else "JavaScript", found


def _is_script(script: object) -> bool:
    return isinstance(script, str) and bool(script.strip()) and _NO_TESTS not in script


def go(project: Path) -> tuple[str, list[Check]] | None:
    """Recognise a module of Go."""
    if not has_file(project, "go.mod"):
        return None
    found = [
        Check("go-test", ("go", "test", "./..."), _PROVES, tests=True),
        Check("go-vet", ("go", "vet", "./..."), "go vet has no finding left."),
    ]
    if has_file(project, ".golangci.yml", ".golangci.yaml", ".golangci.toml", ".golangci.json"):
        found[1:] = [Check("go-lint", ("golangci-lint", "run"), "golangci-lint has no finding left.")]
    return "Go", found


def rust(project: Path) -> tuple[str, list[Check]] | None:
    """Recognise a crate or a workspace of Rust."""
    if not has_file(project, "Cargo.toml"):
        return None
    found = [Check("cargo-test", ("cargo", "test"), _PROVES, tests=True)]
    if has_file(project, "clippy.toml", ".clippy.toml"):
        command = ("cargo", "clippy", "--all-targets", "--", "-D", "warnings")
        found.append(Check("clippy", command, "clippy has no finding left."))
    return "Rust", found


def java(project: Path) -> tuple[str, list[Check]] | None:
    """Recognise a project of Maven or Gradle, by its own wrapper where it has one."""
    if has_file(project, "pom.xml"):
        maven = "./mvnw" if has_file(project, "mvnw") else "mvn"
        return "Java", [Check("maven-test", (maven, "-q", "test"), _PROVES, tests=True)]
    if has_file(project, "build.gradle", "build.gradle.kts"):
        gradle = "./gradlew" if has_file(project, "gradlew") else "gradle"
        language = "Kotlin" if has_file(project, "build.gradle.kts") else "Java"
        return language, [Check("gradle-test", (gradle, "test"), _PROVES, tests=True)]
    return None


def dotnet(project: Path) -> tuple[str, list[Check]] | None:
    """Recognise a solution or a project of .NET."""
    try:
        known = any(path.suffix in (".sln", ".slnx", ".csproj", ".fsproj") for path in project.iterdir())
    except OSError:
        return None
    return (".NET", [Check("dotnet-test", ("dotnet", "test"), _PROVES, tests=True)]) if known else None


def ruby(project: Path) -> tuple[str, list[Check]] | None:
    """Recognise a project of Ruby, with RSpec or a Rakefile that tests."""
    if not has_file(project, "Gemfile"):
        return None
    if (project / "spec").is_dir():
        return "Ruby", [Check("rspec", ("bundle", "exec", "rspec"), _PROVES, tests=True)]
    if "test" in text_of(project / "Rakefile").lower():
        return "Ruby", [Check("rake-test", ("bundle", "exec", "rake", "test"), _PROVES, tests=True)]
    return "Ruby", []


def php(project: Path) -> tuple[str, list[Check]] | None:
    """Recognise a package of PHP, with PHPUnit."""
    if not has_file(project, "composer.json"):
        return None
    if has_file(project, "phpunit.xml", "phpunit.xml.dist", "phpunit.dist.xml"):
        return "PHP", [Check("phpunit", ("vendor/bin/phpunit",), _PROVES, tests=True)]
    return "PHP", []


def elixir(project: Path) -> tuple[str, list[Check]] | None:
    """Recognise a project of Mix."""
    if not has_file(project, "mix.exs"):
        return None
    return "Elixir", [Check("mix-test", ("mix", "test"), _PROVES, tests=True)]
