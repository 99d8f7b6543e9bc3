"""A template: a loop that runs a command again and again until an agent has mended what it complains of."""

from collections.abc import Mapping

from loopengt_hookspecs import hookimpl
from loopengt_hookspecs.registration import Register
from loopengt_hookspecs.templates import Template

FILES = {
    "template.yaml": """\
description: Mends what a command complains of
variables:
  command:
    description: The command that has to succeed
    default: make check
""",
    "loop.yaml": """\
name: mend
goal: The command succeeds.
context:
  command: <<command>>
agents:
  - name: worker
    config: {provider: auto}
steps:
  - name: mend
    agent: worker
    prompt_template: "Make this command succeed: {command}\\nWhat it said last: {feedback}"
    verification_gates: [succeeds]
policy:
  max_turns: 5
  verification_gates:
    - name: succeeds
      kind: command
      command: <<command>>
""",
    "README.md": "# mend\\n\\nOne agent works until the command ends with 0.\\n",
}


class Mend:
    def files(self) -> Mapping[str, str]:
        return dict(FILES)


@hookimpl
def loopengt_register_templates(register: Register[Template]) -> None:
    register("mend", Mend, summary="Mends what a command complains of")
