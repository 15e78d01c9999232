"""How everything stands, gathered without changing anything: what doctor prints."""

import asyncio
import os
import platform
import stat
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from pocketcoder_tui.config.paths import Paths, home
from pocketcoder_tui.config.settings import Settings, load_settings
from pocketcoder_tui.core.checks import Check, CheckState
from pocketcoder_tui.core.errors import ConfigError, PocketCoderError

if TYPE_CHECKING:
    from pocketcoder_tui.ledger import SchemaReport

OLDEST_PYTHON = (3, 11)


@dataclass(frozen=True, slots=True)
class Fact:
    """One row."""

    check: Check
    required: bool = True
    """False for what the program can work without; doctor's exit status leaves it out."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that was found out."""

    rows: tuple[Fact, ...]
    ledger: "SchemaReport"

    @property
    def ok(self) -> bool:
        """True when everything that the program needs is in place."""
        return all(row.check.state is CheckState.OK for row in self.rows if row.required)


def gather(paths: Paths) -> Facts:
    """Look at everything. Raises nothing that is a PocketCoderError: a problem is a row."""
    from pocketcoder_tui.ledger import schema_report

    settings: Settings | None = None
    try:
        settings = load_settings(paths)
        configured = _ok("settings", "Settings", _sources(paths))
    except ConfigError as error:
        configured = Check(
            "settings", "Settings", CheckState.BROKEN, error.sentence, hint=error.hint
        )
    report = schema_report(paths.ledger)
    rows = [Fact(_python()), Fact(_platform()), Fact(_textual())]
    rows += [Fact(check) for check in _box(settings, paths)]
    rows += [Fact(configured), Fact(_private(paths.env_file)), Fact(_key(settings), required=False)]
    rows += [Fact(_workspace(paths), required=False), Fact(_ledger(report))]
    return Facts(tuple(rows), report)


def check_place(paths: Paths) -> None:
    """Refuse a folder in which no agent may work. Raises WorkspaceError, LedgerError."""
    from pocketcoder_tui.ledger import owner_of
    from pocketcoder_tui.sandbox.workspace import check_workspace

    busy = paths.others(lambda ledger: owner_of(ledger) is not None)
    check_workspace(paths.workspace, home=home(), others=busy)
    paths.check_apart()


def _ok(name: str, label: str, sentence: str, hint: str = "") -> Check:
    return Check(name, label, CheckState.OK, sentence, hint=hint)


def _broken(name: str, label: str, sentence: str, hint: str) -> Check:
    return Check(name, label, CheckState.BROKEN, sentence, hint=hint)


def _python() -> Check:
    sentence = f"Python {platform.python_version()}."
    if sys.version_info[:2] < OLDEST_PYTHON:
        return _broken("python", "Python", sentence, "Install Python 3.11 or newer.")
    return _ok("python", "Python", sentence)


def _platform() -> Check:
    sentence = f"{platform.system()} {platform.release()} on {platform.machine()}."
    if os.name != "posix":
        return _broken("platform", "System", sentence, "Linux is needed.")
    return _ok("platform", "System", sentence)


def _textual() -> Check:
    try:
        return _ok("textual", "Textual", f"Textual {metadata.version('textual')}.")
    except metadata.PackageNotFoundError:
        hint = "Install pocketcoder again; README.md says how."
        return Check("textual", "Textual", CheckState.MISSING, "Not installed.", hint=hint)


def _box(settings: Settings | None, paths: Paths) -> list[Check]:
    """Engine and image; with settings that cannot be read, those of the defaults."""
    from pocketcoder_tui.engine.setup import Setup

    return asyncio.run(Setup(settings or Settings(), paths).checks())


def _sources(paths: Paths) -> str:
    files = [str(path) for path in (paths.env_file, paths.config_file) if path.exists()]
    return f"Read from the environment, {', '.join(files)}." if files else "All are the defaults."


def _private(path: Path) -> Check:
    """Keys belong to one person: nobody else may read the file or write to it."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        sentence = "No .env yet; it is made at the first start."
        return _ok("env", "Key file", sentence)
    except OSError as error:
        return _broken("env", "Key file", f"{path}: {error.strerror}.", "Check its permissions.")
    if mode & 0o077:
        sentence = f"{path} is open to others (mode {mode:o})."
        return _broken("env", "Key file", sentence, "Run: pocketcoder setup.")
    return _ok("env", "Key file", f"{path} is private.")


def _key(settings: Settings | None) -> Check:
    from pocketcoder_tui.reasoning.addresses import is_loopback

    if settings and any(
        (settings.gemini_api_key, settings.openai_api_key, settings.anthropic_api_key)
    ):
        return _ok("key", "Model key", "A key is set.")
    if settings and any(map(is_loopback, (settings.openai_base_url, settings.anthropic_base_url))):
        return _ok("key", "Model key", "None is set; an endpoint on this machine needs none.")
    hint = "Put GEMINI_API_KEY into the .env, or take the tour: pocketcoder --tour."
    sentence = "No key is set; optional, the tour works without one."
    return Check("key", "Model key", CheckState.MISSING, sentence, hint=hint)


def _workspace(paths: Paths) -> Check:
    try:
        check_place(paths)
    except PocketCoderError as error:
        return _broken("workspace", "Workspace", error.sentence, error.hint)
    if paths.workspace.stat().st_uid == 0:
        sentence = f"{paths.workspace} belongs to root, so root is the box's user."
        hint = "It has no capabilities there; a folder of an ordinary user is better."
        return _ok("workspace", "Workspace", sentence, hint)
    return _ok("workspace", "Workspace", f"{paths.workspace}.")


def _ledger(report: "SchemaReport") -> Check:
    if report.problem:
        return _broken("ledger", "Ledger", report.problem, report.hint)
    if report.owner is not None:
        sentence = f"In use by process {report.owner}." if report.owner else "In use."
        return _ok("ledger", "Ledger", sentence)
    if not report.exists:
        return _ok("ledger", "Ledger", "None yet; it is made at the first start.")
    sentence = f"Schema {report.version} of {report.newest}, {report.size_bytes:,} bytes."
    if report.records:
        sentence += f" {report.records:,} audit records, all verified."
    older = "It is brought up to date at the next start." if report.version < report.newest else ""
    return _ok("ledger", "Ledger", sentence, older)
