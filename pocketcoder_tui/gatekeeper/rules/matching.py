"""Which rules are about an action: allow rules match only the whole of it, deny rules any part."""

from collections.abc import Iterable
from dataclasses import dataclass

from pocketcoder_tui.core.actions import Action, Outcome
from pocketcoder_tui.core.terminal import MAIN_WINDOW
from pocketcoder_tui.gatekeeper import toolset
from pocketcoder_tui.gatekeeper.paths import absolute, guarded, is_secret, searches_openly
from pocketcoder_tui.gatekeeper.programs import RESERVED, WRAPPERS, family
from pocketcoder_tui.gatekeeper.reading import Simple, Whole, read_whole
from pocketcoder_tui.gatekeeper.rules.exact import exact_words
from pocketcoder_tui.gatekeeper.rules.model import Beginning, Command, Host, Place, Rule

__all__ = ["Denial", "allowing", "command_of", "command_rule", "denying", "path_of"]

_SEARCHED = "."
"""Where the tools look that are told no path."""
_CARRIERS = WRAPPERS | RESERVED | {"find", "fd"}
"""Programs whose arguments hold another command."""


@dataclass(frozen=True, slots=True)
class Denial:
    """A deny rule that matches, or that may match."""

    rule: Rule
    certain: bool
    why: str
    """What was found, or why it cannot be told, one sentence."""


def allowing(action: Action, rules: Iterable[Rule], *, resolved: str = "") -> Rule | None:
    """The first rule that allows the whole of an action.

    ``resolved`` is where the box says that the path of a file tool leads; a rule must cover that
    place as well. Empty when it was not asked, which is enough for the tools that only look; a tool
    that writes matches nothing then, since a link could lead it anywhere.
    """
    mine = [rule for rule in rules if rule.outcome is Outcome.ALLOW]
    about, host = (command_rule(action), _host_rule(action)) if mine else (None, None)
    for rule in mine:
        if isinstance(rule.subject, Place) and _covers(rule.subject, action, resolved):
            return rule
        if rule.subject == host or (about is not None and rule.subject == about):
            return rule
    return None


def denying(action: Action, rules: Iterable[Rule], *, resolved: str = "") -> Denial | None:
    """The deny rule that matches a part of an action, else one of which that cannot be told."""
    mine = [rule for rule in rules if rule.outcome is Outcome.DENY]
    if not mine:
        return None
    text = _shell_text(action)
    whole = None if text is None else read_whole(text)
    found = [denial for rule in mine if (denial := _denial(rule, action, whole, resolved))]
    return min(found, key=lambda denial: not denial.certain, default=None)


def command_of(action: Action) -> str:
    """The text of a shell action; empty for every other one."""
    if action.call.tool != toolset.SHELL:
        return ""
    return str(action.call.arguments.get("command", ""))


def _shell_text(action: Action) -> str | None:
    """What a shell may be given: a command, or text that is typed into whatever runs."""
    match action.call.tool:
        case toolset.SHELL:
            return command_of(action)
        case toolset.TYPING:
            return str(action.call.arguments.get("text", ""))
        case _:
            return None


def path_of(action: Action) -> str:
    """The absolute path of a file tool's action, by its letters; empty when it has none."""
    path = action.call.arguments.get("path", _SEARCHED)
    return "" if action.call.tool == toolset.SHELL or not isinstance(path, str) else absolute(path)


def command_rule(action: Action) -> Command | None:
    """The only command rule that could allow an action.

    A command in another window than the first one is to go on beside the others, which a fresh
    process without a terminal does not.
    """
    if action.call.arguments.get("window", MAIN_WINDOW) != MAIN_WINDOW:
        return None
    words = exact_words(command_of(action))
    try:
        return None if words is None else Command(words, action.cwd)
    except ValueError:
        return None


def _host_rule(action: Action) -> Host | None:
    """The only rule about a host that could be about an action."""
    host = toolset.host_of(action)
    try:
        return Host(host) if host else None
    except ValueError:
        return None


def _denial(rule: Rule, action: Action, whole: Whole | None, resolved: str) -> Denial | None:
    match rule.subject:
        case Beginning(words) if whole is not None:
            return _denied_part(rule, words, whole)
        case Host(name) if name == toolset.host_of(action):
            return Denial(rule, True, f"It is {name}.")
        case Place(tool, path, below) if tool == action.call.tool:
            places = [path_of(action), *([resolved] if resolved else [])]
            if any(_is_at(place, path, below) for place in places):
                return Denial(rule, True, f"It is at {path}.")
            return None
        case Place(tool, path, below) if tool in toolset.WRITING:
            held = (one for one in toolset.held_paths(action) if _is_at(one, path, below))
            return next((Denial(rule, True, f"It is at {one}.") for one in held), None)
        case _:
            return None


def _denied_part(rule: Rule, words: tuple[str, ...], whole: Whole) -> Denial | None:
    if whole.outer.why:
        return Denial(rule, False, f"The command cannot be read. {whole.outer.why}")
    doubt = None
    for command in whole.commands:
        for start in _beginnings(command):
            match _begins(command, start, words):
                case True:
                    shown = " ".join(word.raw for word in command.words[start:])
                    return Denial(rule, True, f"A part of it is: {shown}")
                case None:
                    doubt = "A part of it is made up only when it runs."
    if doubt is None and whole.doubts:
        doubt = whole.doubts[0].sentence
    return None if doubt is None else Denial(rule, False, doubt)


def _beginnings(command: Simple) -> range:
    """Where another command may begin in a command's words: behind ``sudo``, ``env``, ``xargs``."""
    name = family(command.words[0].text or "")
    return range(len(command.words) if name in _CARRIERS else 1)


def _begins(command: Simple, start: int, wanted: tuple[str, ...]) -> bool | None:
    """Whether the words from ``start`` on begin as the rule does; None when it cannot be told."""
    words = command.words[start : start + len(wanted)]
    if len(words) < len(wanted):
        return None if words and words[-1].text is None else False
    for index, (word, want) in enumerate(zip(words, wanted, strict=True)):
        if word.text is None:
            return None
        if word.text != want and (index or family(word.text) != family(want)):
            return False
    return True


def _covers(place: Place, action: Action, resolved: str) -> bool:
    """Whether a rule's place holds all that a file tool's action touches.

    A folder never covers what the host runs later or what often holds secrets: for those the rule
    has to name the file.
    """
    raw = str(action.call.arguments.get("path", _SEARCHED))
    if (_writes(action) and not resolved) or action.call.tool == toolset.CONNECT:
        return False
    if not searches_openly(str(action.call.arguments.get("glob", ""))):
        return False
    if action.call.tool != place.tool or ".." in raw.split("/") or not _plain(raw):
        return False
    for path in (path_of(action), *([resolved] if resolved else [])):
        if not _is_at(path, place.path, place.below):
            return False
        if place.below and (is_secret(path) or (guarded(path) and _writes(action))):
            return False
    return True


def _is_at(path: str, place: str, below: bool) -> bool:
    return path == place or (below and path.startswith(place.rstrip("/") + "/"))


def _plain(path: str) -> bool:
    return path.isascii() and path.isprintable()


def _writes(action: Action) -> bool:
    """Every tool but those that only look may write."""
    return action.call.tool not in toolset.LOOKING
