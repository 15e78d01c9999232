"""The command line: a command is the first word, everything else is a folder."""

import pytest

from pocketcoder_tui.cli.arguments import COMMANDS, Arguments, UsageError, parse


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        ([], Arguments()),
        (["src"], Arguments(workspace="src")),
        (["./doctor"], Arguments(workspace="./doctor")),
        (["--tour", "doctor"], Arguments(workspace="doctor", tour=True)),
        (["--continue"], Arguments(latest=True)),
        (["src", "--resume", "abc"], Arguments(workspace="src", resume="abc")),
        (["--model", "m", "src"], Arguments(workspace="src", model="m")),
        (["setup"], Arguments("setup")),
        (["setup", "--yes"], Arguments("setup", yes=True)),
        (["doctor", "--json"], Arguments("doctor", json=True)),
        (["doctor", "src"], Arguments("doctor", workspace="src")),
        (["attach", "src"], Arguments("attach", workspace="src")),
        (["down"], Arguments("down")),
        (["reset", "--yes", "src"], Arguments("reset", workspace="src", yes=True)),
        (["sessions"], Arguments("sessions", action="list")),
        (["sessions", "src"], Arguments("sessions", "src", action="list")),
        (
            ["sessions", "list", "search", "--all"],
            Arguments("sessions", "search", action="list", all=True),
        ),
        (
            ["sessions", "search", "a", "b", "--workspace", "src"],
            Arguments("sessions", "src", action="search", words=["a", "b"], last=50),
        ),
        (
            ["sessions", "fork", "ab", "--turn", "3"],
            Arguments("sessions", action="fork", session="ab", turn=3),
        ),
        (["audit", "verify"], Arguments("audit", action="verify")),
        (
            ["audit", "verify", "--json", "src"],
            Arguments("audit", "src", action="verify", json=True),
        ),
        (["audit", "show"], Arguments("audit", action="show", last=50)),
        (["audit", "show", "--last", "0"], Arguments("audit", action="show")),
        (["audit", "export", "--to", "f"], Arguments("audit", action="export", to="f")),
        (["audit", "verifier"], Arguments("audit", action="verifier")),
        (["backup", "--to", "f", "src"], Arguments("backup", "src", to="f")),
        (["restore", "f", "src", "--yes"], Arguments("restore", "src", file="f", yes=True)),
        (["recover"], Arguments("recover")),
        (["--", "-odd"], Arguments(workspace="-odd")),
    ],
)
def test_understood(argv: list[str], expected: Arguments) -> None:
    assert parse(argv) == expected


@pytest.mark.parametrize(
    "argv",
    [
        ["--nonsense"],
        ["a", "b"],
        ["--continue", "--resume", "x"],
        ["--resume"],
        ["setup", "--json"],
        ["setup", "folder"],
        ["doctor", "--yes"],
        ["audit"],
        ["audit", "nonsense"],
        ["audit", "show", "--last", "-1"],
        ["audit", "verify", "--last", "3"],
        ["restore"],
        ["backup", "--yes"],
    ],
)
def test_refused(argv: list[str]) -> None:
    with pytest.raises(UsageError, match=r"^usage: pocketcoder"):
        parse(argv)


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["--help"])
    shown = capsys.readouterr().out
    assert all(f"\n  {name} " in shown for name in COMMANDS)
    assert "./NAME" in shown
