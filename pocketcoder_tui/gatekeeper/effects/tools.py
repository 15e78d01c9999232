"""What a file tool's action will do."""

from pocketcoder_tui.core.actions import Action
from pocketcoder_tui.gatekeeper.effects.model import Findings, Kind, Report
from pocketcoder_tui.gatekeeper.effects.shell import LONG_TEXT, of_command
from pocketcoder_tui.gatekeeper.lookalikes import lookalikes
from pocketcoder_tui.gatekeeper.paths import absolute, guarded, in_workspace, is_secret

__all__ = ["effects_of"]

_SHELL = "shell"
_WRITE = {"write_file": "Writes {path}.", "edit_file": "Changes {path}."}
_LOOK = {"read_file", "list_files", "search_files"}


def effects_of(action: Action, *, resolved: str = "") -> Report:
    """Tell what an action will do, from its text alone. Never raises.

    ``resolved`` is the absolute path to which the box says that a file tool's path leads, links
    followed; empty when it was not asked. Spans of a file tool are those of its path.
    """
    tool, arguments = action.call.tool, action.call.arguments
    if tool == _SHELL:
        return of_command(str(arguments.get("command", "")), action.cwd or "/workspace")
    findings = Findings()
    raw = str(arguments.get("path", "."))
    span = (0, len(raw))
    paths = [absolute(raw), *([resolved] if resolved and resolved != absolute(raw) else [])]
    for path in paths:
        if tool in _WRITE:
            _note_write(_WRITE[tool], path, span, findings)
        elif tool in _LOOK:
            _note_look(path, span, findings)
    if tool not in _WRITE and tool not in _LOOK:
        sentence = "The tool is not known here, so what it does cannot be told."
        findings.add(Kind.UNREAD, sentence)
    for word in lookalikes(raw):
        findings.add(Kind.DANGER, word.sentence, (word.start, word.end))
    content = str(arguments.get("content", arguments.get("new_text", "")))
    if len(content) > LONG_TEXT:
        lines = content.count("\n") + 1
        findings.add(
            Kind.SIZE, f"The text is long: {len(content):,} characters in {lines:,} lines."
        )
    return findings.report()


def _note_write(how: str, path: str, span: tuple[int, int], findings: Findings) -> None:
    findings.add(Kind.WRITES, how.replace("{path}", path), span, path)
    if why := guarded(path):
        findings.add(Kind.GUARDED, f"Changes {path}: {why}.", span, path)
    _note_outside(path, span, findings)


def _note_look(path: str, span: tuple[int, int], findings: Findings) -> None:
    if is_secret(path):
        sentence = f"Reads {path}, which often holds keys; what is read goes to the model."
        findings.add(Kind.SECRET, sentence, span, path)
    _note_outside(path, span, findings)


def _note_outside(path: str, span: tuple[int, int], findings: Findings) -> None:
    if not in_workspace(path):
        sentence = f"Leaves the workspace, within the box: {path}"
        findings.add(Kind.OUTSIDE, sentence, span, path)
