"""The arguments that each coding CLI takes, as far as a stand-in must know them to refuse what is wrong."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Arguments", "WrongArguments", "prompt_of", "read_arguments"]


class WrongArguments(Exception):
    """The CLI would refuse the arguments; the text is what it would say."""


class Arguments(NamedTuple):
    """Arguments that were read."""

    options: dict[str, str]
    """Values by option; an empty one of an option that takes none."""
    words: list[str]
    """What is no option."""

    @property
    def session(self) -> str:
        """The session to go on with; empty: a new one."""
        if self.words[1:2] == ["resume"]:
            return self.words[2]
        names = ("--resume", "--conversation", "--session", "-s")
        return next((self.options[name] for name in names if self.options.get(name)), "")


_VALUED = {
    "claude-code": "--output-format --permission-mode --model --allowedTools --disallowedTools --max-turns --add-dir "
    "--max-budget-usd --append-system-prompt --json-schema --resume --input-format --settings --mcp-config",
    "codex": "--sandbox -s --model -m --add-dir --output-schema --cd -C --config -c -o",
    "gemini": "--output-format -o --approval-mode --model -m --include-directories --resume -r --prompt -p",
    "antigravity": "--output-format --print-timeout --mode --model --add-dir --json-schema --conversation --print -p "
    "--log-file",
    "cursor": "--output-format --mode --model --resume --sandbox --workspace",
    "opencode": "--format --model -m --session -s --agent --dir --variant",
    "copilot": "--output-format --allow-tool --deny-tool --model --add-dir --resume --prompt -p --share "
    "--max-autopilot-continues",
}
_PLAIN = {
    "claude-code": "-p --print --verbose --fork-session --strict-mcp-config",
    "codex": "--json --skip-git-repo-check --ephemeral --last --yolo",
    "gemini": "--skip-trust --sandbox --yolo",
    "antigravity": "--dangerously-skip-permissions --continue --sandbox",
    "cursor": "-p --print --force -f --trust --stream-partial-output",
    "opencode": "--auto --continue -c --fork --thinking",
    "copilot": "-s --no-ask-user --allow-all-tools --allow-all --yolo --autopilot",
}
_AFTER_RESUME = frozenset(
    {"--json", "--skip-git-repo-check", "--last", "--ephemeral", "--yolo", "-m", "--model", "-c"}
)


def read_arguments(name: str, argv: list[str]) -> Arguments:
    """Read the arguments of a CLI.

    Raises:
        WrongArguments: It would refuse them.
    """
    valued, plain = set(_VALUED[name].split()), set(_PLAIN[name].split())
    options: dict[str, str] = {}
    words: list[str] = []
    left = list(argv)
    while left:
        word = left.pop(0)
        option, equals, value = word.partition("=")
        if word == "--":
            words += left
            break
        if word == "-" or not word.startswith("-"):
            words.append(word)
            continue
        if name == "codex" and "resume" in words and option not in _AFTER_RESUME:
            raise WrongArguments(f"error: unexpected argument '{option}' found")
        if option in valued:
            if not equals and not left:
                raise WrongArguments(f"error: option '{option}' argument missing")
            options[option] = value if equals else left.pop(0)
        elif option in plain and not equals:
            options[option] = ""
        else:
            raise WrongArguments(f"error: unknown option '{word}'")
    found = Arguments(options, words)
    _check(name, found)
    return found


def _check(name: str, found: Arguments) -> None:
    options = found.options
    if name == "claude-code" and ("-p" not in options or "--verbose" not in options):
        raise WrongArguments("Error: When using --print, --output-format=stream-json requires --verbose")
    if name == "codex" and (found.words[:1] != ["exec"] or "--json" not in options):
        raise WrongArguments("error: this stand-in knows codex exec --json only")
    if name == "opencode" and (found.words[:1] != ["run"] or options.get("--format") != "json"):
        raise WrongArguments("error: this stand-in knows opencode run --format json only")
    forms = {"copilot": "json", "opencode": None, "codex": None}
    wanted = forms.get(name, "stream-json")
    if wanted is not None and options.get("--output-format") != wanted:
        raise WrongArguments(f"error: this stand-in knows --output-format {wanted} only")


def prompt_of(name: str, found: Arguments, stdin: str) -> str:
    """Return the prompt, from where the CLI takes it.

    Raises:
        WrongArguments: There is none.
    """
    options, words = found.options, found.words
    given = {
        "claude-code": stdin,
        "codex": stdin if words[-1:] == ["-"] else "",
        "gemini": stdin + options.get("--prompt", options.get("-p", "")),
        "antigravity": options.get("--print", options.get("-p", "")),
        "cursor": " ".join(words),
        "opencode": " ".join(words[1:]) + stdin,
        "copilot": options.get("--prompt", options.get("-p", "")),
    }[name]
    if not given:
        raise WrongArguments("error: no prompt given")
    return given
