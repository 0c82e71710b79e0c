"""Help teaches: every command says what it does, with an example."""

from __future__ import annotations

import pytest

from tests.cli.terminal import Terminal

COMMANDS = (
    "up",
    "migrate",
    "seed",
    "load",
    "order",
    "status",
    "cancel",
    "refund",
    "pay",
    "ship",
    "deliver",
    "report",
    "audit",
    "stock list",
    "stock show",
    "stock receive",
    "stock adjust",
    "stock movements",
    "bounce",
    "callbacks list",
    "callbacks show",
    "callbacks replay",
    "returns list",
    "returns show",
    "returns request",
    "returns approve",
    "returns reject",
    "returns received",
    "tasks list",
    "tasks done",
    "addresses show",
    "addresses lift",
)


@pytest.mark.parametrize("command", COMMANDS)
async def test_the_help_of_each_command_has_an_example(terminal: Terminal, command: str) -> None:
    shown = await terminal.run(*command.split(), "--help")
    assert shown.code == 0
    assert f"Example: python starter.py {command}" in " ".join(shown.out.split())


async def test_the_help_lists_every_command(terminal: Terminal) -> None:
    shown = await terminal.run("--help")
    assert shown.code == 0
    for command in COMMANDS:
        assert f"│ {command.split()[0]} " in shown.out


async def test_an_unknown_command_is_a_usage_error(terminal: Terminal) -> None:
    refused = await terminal.run("teleport")
    assert refused.code == 2
    assert "No such command" in refused.err


async def test_the_command_line_starts_without_the_sandbox(terminal: Terminal) -> None:
    program = terminal.directory / "bare.py"
    program.write_text(
        "import sys\n"
        f"sys.path.insert(0, {str(_project())!r})\n"
        "sys.modules['sandbox'] = None\n"
        "import starter\n"
        "starter.main()\n"
    )
    assert (await terminal.python(str(program), "--help")).code == 0
    refused = await terminal.python(str(program), "up")
    assert refused.code == 2
    assert "requirements.lock" in refused.err


def _project() -> str:
    from tests.cli.terminal import PROJECT

    return str(PROJECT)
