"""doctor: the facts, a stable form for programs, an exit status, and never a key."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pocketcoder_tui.cli import main
from pocketcoder_tui.config.paths import Paths
from pocketcoder_tui.core.ids import new_id

SECRET = "AIza-very-secret-0123456789"
Doctor = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def doctor(
    environ: dict[str, str],
    paths: Paths,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Doctor:
    """Run `pocketcoder doctor --json` here, against an engine that is not there unless asked."""
    monkeypatch.setenv("HOME", environ["HOME"])
    for name in ("GEMINI_API_KEY", "GOOGLE_API_KEY", "XDG_STATE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)

    def doctor(workspace: Path = paths.workspace) -> tuple[int, dict[str, Any]]:
        status = main(["doctor", "--json", str(workspace)])
        return status, json.loads(capsys.readouterr().out)

    return doctor


@pytest.fixture
def no_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Point Docker's address at a socket that does not exist."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")


def row(report: dict[str, Any], name: str) -> dict[str, Any]:
    return next(check for check in report["checks"] if check["id"] == name)


@pytest.mark.usefixtures("no_engine")
def test_the_form_is_the_documented_one(doctor: Doctor, paths: Paths) -> None:
    _, report = doctor()
    assert list(report) == ["schema", "version", "ok", "checks", "paths", "ledger"]
    assert report["schema"] == 1
    fields = ["id", "label", "state", "required", "sentence", "hint"]
    assert all(list(check) == fields for check in report["checks"])
    assert [check["id"] for check in report["checks"]] == [
        "python", "platform", "textual", "engine", "image",
        "settings", "env", "key", "workspace", "ledger",
    ]  # fmt: skip
    assert list(report["paths"]) == ["workspace", "state", "ledger", "log", "config", "env"]
    assert report["paths"]["ledger"] == str(paths.ledger)
    assert list(report["ledger"]) == [
        "exists", "version", "newest", "bytes", "owner", "tables", "records", "head",
        "migrations",
    ]  # fmt: skip


@pytest.mark.usefixtures("no_engine")
def test_a_missing_engine_is_status_1(doctor: Doctor) -> None:
    status, report = doctor()
    assert (status, report["ok"]) == (1, False)
    assert row(report, "engine")["state"] in ("missing", "broken")
    assert row(report, "python")["state"] == "ok"


@pytest.mark.usefixtures("no_engine")
def test_it_changes_nothing(doctor: Doctor, paths: Paths) -> None:
    doctor()
    assert not paths.state_root.exists()
    assert not paths.config.exists()


@pytest.mark.docker
def test_a_missing_key_alone_is_status_0(doctor: Doctor) -> None:
    status, report = doctor()
    assert row(report, "engine")["state"] == "ok"
    assert row(report, "image")["state"] == "ok"
    key = row(report, "key")
    assert (key["state"], key["required"]) == ("missing", False)
    assert "optional" in key["sentence"]
    assert (status, report["ok"]) == (0, True)


@pytest.mark.usefixtures("no_engine")
def test_a_key_is_present_and_not_shown(
    doctor: Doctor, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", SECRET)
    _, report = doctor()
    assert row(report, "key")["state"] == "ok"
    assert SECRET not in json.dumps(report)
    main(["doctor"])
    assert SECRET not in capsys.readouterr().out


@pytest.mark.usefixtures("no_engine")
def test_a_key_file_that_others_can_read_is_told(doctor: Doctor, paths: Paths) -> None:
    paths.config.mkdir(parents=True)
    paths.env_file.write_text("GEMINI_API_KEY=x\n")
    paths.env_file.chmod(0o640)
    assert row(doctor()[1], "env")["state"] == "broken"
    paths.env_file.chmod(0o600)
    assert row(doctor()[1], "env")["state"] == "ok"


@pytest.mark.usefixtures("no_engine")
def test_a_wrong_setting_is_one_row_among_the_others(doctor: Doctor, paths: Paths) -> None:
    paths.config.mkdir(parents=True)
    paths.config_file.write_text("pids = 'many'\n")
    status, report = doctor()
    assert status == 1
    assert row(report, "settings")["sentence"].startswith("pids is 'many' in ")
    assert row(report, "ledger")["state"] == "ok"


@pytest.mark.usefixtures("no_engine")
def test_a_folder_that_is_no_workspace_is_told_and_not_required(doctor: Doctor) -> None:
    _, report = doctor(Path("/"))
    workspace = row(report, "workspace")
    assert (workspace["state"], workspace["required"]) == ("broken", False)


@pytest.mark.usefixtures("no_engine")
async def test_the_ledger_is_described(
    doctor: Doctor, paths: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    import asyncio

    from pocketcoder_tui.core.events import SessionStarted
    from pocketcoder_tui.ledger import SqliteLedger

    paths.prepare()
    async with await SqliteLedger.open(paths.ledger) as ledger:
        name = new_id()
        await ledger.record(name, SessionStarted(name, str(paths.workspace), 1.0))
        _, owned = await asyncio.to_thread(doctor)
        assert isinstance(owned["ledger"]["owner"], int)
    _, report = await asyncio.to_thread(doctor)
    facts = report["ledger"]
    assert facts["exists"]
    assert facts["owner"] is None
    assert facts["version"] == facts["newest"] == len(facts["migrations"]) > 0
    assert facts["tables"]
    await asyncio.to_thread(main, ["doctor", str(paths.workspace)])
    shown = capsys.readouterr().out
    assert facts["migrations"][0]["name"] in shown
    assert f"Schema {facts['version']} of {facts['newest']}" in shown


@pytest.mark.usefixtures("no_engine")
def test_a_damaged_ledger_is_status_1(doctor: Doctor, paths: Paths) -> None:
    paths.prepare()
    paths.ledger.write_bytes(b"this is no database" * 1000)
    _, report = doctor()
    ledger = row(report, "ledger")
    assert (ledger["state"], ledger["required"]) == ("broken", True)


@pytest.mark.usefixtures("no_engine")
def test_the_table_has_no_colour_in_a_pipe_and_names_what_is_missing(
    doctor: Doctor, paths: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", str(paths.workspace)]) == 1
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "✗" in shown
    assert str(paths.ledger) in shown
    assert "Something is missing." in shown
