"""What an action of any tool will do."""

from pocketcoder_tui.core.actions import Action
from pocketcoder_tui.gatekeeper import toolset
from pocketcoder_tui.gatekeeper.effects.dangers import in_text
from pocketcoder_tui.gatekeeper.effects.model import Findings, Kind, Report, Span
from pocketcoder_tui.gatekeeper.effects.running import note_named
from pocketcoder_tui.gatekeeper.effects.shell import LONG_TEXT, of_command
from pocketcoder_tui.gatekeeper.lookalikes import lookalikes
from pocketcoder_tui.gatekeeper.paths import (
    WORKSPACE,
    absolute,
    guarded,
    in_workspace,
    is_secret,
    searches_openly,
)

__all__ = ["effects_of"]

_TYPED = "What the program that runs makes of the text cannot be told."
_SENDS = "They can send there whatever is in the workspace, and run what comes back."
_PLACES = "Puts in place what a program wrote, byte for byte."
_FOREIGN = "The name holds other letters than it shows (IDNA); it may imitate another one."
_NO_SUCH_TOOL = "The tool is not known here, so what it does cannot be told."


def effects_of(action: Action, *, resolved: str = "") -> Report:
    """Tell what an action will do, from its text alone. Never raises.

    ``resolved`` is the absolute path to which the box says that a file tool's path leads, links
    followed; empty when it was not asked. Spans are those of a command, of a file tool's path, or
    of the text that is typed.
    """
    tool, arguments = action.call.tool, action.call.arguments
    if tool == toolset.SHELL:
        return of_command(str(arguments.get("command", "")), action.cwd or WORKSPACE)
    findings = Findings()
    if tool in toolset.WRITING or tool in toolset.SEARCHING:
        _note_file(action, resolved, findings)
    elif tool == toolset.TYPING:
        _note_typed(str(arguments.get("text", "")), findings)
    elif tool == toolset.CONNECT:
        _note_host(toolset.host_of(action), findings)
    elif tool == toolset.HELD:
        _note_held(toolset.held_paths(action), findings)
    elif tool in toolset.STOPPING:
        findings.add(Kind.RUNS, toolset.STOPPING[tool])
    elif tool not in toolset.WATCHING and tool != toolset.GO_ON:
        findings.add(Kind.UNREAD, _NO_SUCH_TOOL)
    return findings.report()


def _note_typed(text: str, findings: Findings) -> None:
    findings.add(Kind.UNKNOWN, _TYPED, (0, len(text)))
    in_text(text, findings, unread=True)
    note_named([(text, 0, len(text))], findings)


def _note_held(paths: list[str], findings: Findings) -> None:
    for path in paths:
        findings.add(Kind.GUARDED, f"Changes {path}: {guarded(path)}.", (0, 0), path)
    findings.add(Kind.WRITES, _PLACES)


def _note_host(host: str, findings: Findings) -> None:
    findings.add(Kind.NETWORK, f"Programs in the box reach {host}, ports 80 and 443.", (0, 0), host)
    findings.add(Kind.NETWORK, _SENDS)
    for word in lookalikes(host):
        findings.add(Kind.DANGER, word.sentence, (word.start, word.end))
    if any(label.startswith("xn--") for label in host.split(".")):
        findings.add(Kind.DANGER, _FOREIGN, (0, len(host)))


def _note_file(action: Action, resolved: str, findings: Findings) -> None:
    tool, arguments = action.call.tool, action.call.arguments
    raw = str(arguments.get("path", "."))
    span = (0, len(raw))
    paths = [absolute(raw), *([resolved] if resolved and resolved != absolute(raw) else [])]
    for path in paths:
        if tool in toolset.WRITING:
            _note_write(toolset.WRITING[tool], path, span, findings)
        else:
            _note_look(path, span, findings)
    for word in lookalikes(raw):
        findings.add(Kind.DANGER, word.sentence, (word.start, word.end))
    glob = str(arguments.get("glob", ""))
    if not searches_openly(glob):
        sentence = f"Searches files that may be hidden or hold keys: {glob}"
        findings.add(Kind.SECRET, sentence, span)
    content = str(arguments.get("content", arguments.get("new_text", "")))
    if len(content) > LONG_TEXT:
        lines = content.count("\n") + 1
        sentence = f"The text is long: {len(content):,} characters in {lines:,} lines."
        findings.add(Kind.SIZE, sentence)


def _note_write(how: str, path: str, span: Span, findings: Findings) -> None:
    findings.add(Kind.WRITES, how.replace("{path}", path), span, path)
    if why := guarded(path):
        findings.add(Kind.GUARDED, f"Changes {path}: {why}.", span, path)
    _note_outside(path, span, findings)


def _note_look(path: str, span: Span, findings: Findings) -> None:
    if is_secret(path):
        sentence = f"Reads {path}, which often holds keys; what is read goes to the model."
        findings.add(Kind.SECRET, sentence, span, path)
    _note_outside(path, span, findings)


def _note_outside(path: str, span: Span, findings: Findings) -> None:
    if not in_workspace(path):
        sentence = f"Leaves the workspace, within the box: {path}"
        findings.add(Kind.OUTSIDE, sentence, span, path)
