"""Which rules are offered for an action, each with its exact text, and what is never offered."""

import contextlib
from dataclasses import dataclass

from pocketcoder_tui.core.actions import Action, Outcome
from pocketcoder_tui.gatekeeper.paths import WORKSPACE, guarded, in_workspace, is_secret
from pocketcoder_tui.gatekeeper.programs import INTERPRETERS, SCREENS, SHELLS, WRAPPERS, family
from pocketcoder_tui.gatekeeper.reading import read_whole
from pocketcoder_tui.gatekeeper.rules.exact import LONGEST, exact_words
from pocketcoder_tui.gatekeeper.rules.fresh import FOLDERS
from pocketcoder_tui.gatekeeper.rules.matching import command_of, path_of
from pocketcoder_tui.gatekeeper.rules.model import (
    Beginning,
    Command,
    Host,
    Place,
    Rule,
    Scope,
    Subject,
)
from pocketcoder_tui.gatekeeper.rules.plain import sentences_of
from pocketcoder_tui.gatekeeper.toolset import (
    CONNECT,
    HELD,
    LOOKING,
    SEARCHING,
    SHELL,
    WATCHING,
    host_of,
)

__all__ = ["NotOffered", "Offer", "denials", "first_offers", "offer", "offers"]

MOST_DENIALS = 4
"""Commands of one text for which deny rules are offered."""
_WHOLE = 1_000
_SCOPES = tuple(Scope)
_NOT_SIMPLE = (
    "A rule is about one plain command: no quotes around anything but letters, digits and spaces, "
    "no ; & | < > $ * ? ~ ( ) { } # ` \\ or !, and no more than one line."
)
_LONG = f"A rule is about a command of at most {LONGEST:,} characters."
_NOT_ASCII = "A rule is about plain letters only; this command holds others."
_GIT = (
    "git runs programs that the repository names (fsmonitor, filters, hooks), even for "
    "git status, so it is never allowed by a rule."
)
_SHELL_RUNS = "{name} runs whatever text or file it is given, so it is never allowed by a rule."
_WRAPPER = "{name} runs another program, so it is never allowed by a rule."
_SCREEN = "{name} needs a terminal, and a command that runs by a rule has none."
_OWN_PROGRAM = (
    "The program is a file that the agent can change, so a rule could not say what will run."
)
_RUNS_OTHERS = "{word} makes {name} run other programs, so it is never allowed by a rule."
_NO_RULE_TOOL = "There are no rules about this tool."

_EXECUTING_WORDS = frozenset(
    {"-exec", "-execdir", "-ok", "-okdir", "--exec", "--exec-batch", "--pre", "--to-command",
     "--use-compress-program", "--checkpoint-action", "--rsh", "--eval", "--html", "--pager"}
)  # fmt: skip
"""Options by which a harmless program runs another one; a value may follow after ``=``."""

_RUNNERS = frozenset(
    {"make", "gmake", "ninja", "cmake", "ctest", "npm", "pnpm", "yarn", "pytest", "tox", "nox",
     "cargo", "go", "mvn", "gradle", "rake", "bundle", "just", "task", "mix", "dotnet", "swift",
     "jest", "vitest", "mocha", "tsc", "eslint", "prettier", "pre-commit", "mypy", "pylint",
     "rspec", "phpunit", "composer", "sbt", "lein", "stack", "cabal", "zig", "bazel", "meson"}
)  # fmt: skip
"""Programs that run what the workspace says."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A rule that can be made, to be shown before it is."""

    subject: Subject
    stored: str
    """The exact text that would be stored."""
    sentences: tuple[str, ...]
    """What it would allow, in plain words; the last ones say what to be careful about."""
    scopes: tuple[Scope, ...] = _SCOPES


@dataclass(frozen=True, slots=True)
class NotOffered:
    """No rule is offered; the sentence says why."""

    why: str


def offer(command: str, cwd: str = WORKSPACE) -> Offer | NotOffered:
    """The allow rule for a command, or why there is none."""
    words = exact_words(command)
    if words is None:
        return NotOffered(_why_not_exact(command))
    why = _never(words)
    if why:
        return NotOffered(why)
    try:
        return _offered(Command(words, cwd), _cautions(words))
    except ValueError:
        return NotOffered("A rule is about a directory with a plain name; this one has another.")


def offers(action: Action) -> tuple[Offer, ...] | NotOffered:
    """The allow rules for an action: its command, its host, or its file and then the folder."""
    if action.call.tool == SHELL:
        found = offer(command_of(action), action.cwd)
        return found if isinstance(found, NotOffered) else (found,)
    if action.call.tool == CONNECT:
        return (_offered(Host(host_of(action)), ()),)
    tool, path = action.call.tool, path_of(action)
    if "path" not in action.call.arguments and action.call.tool not in LOOKING:
        return NotOffered(_NO_RULE_TOOL)
    folder = path.rpartition("/")[0] or "/"
    places = [(path, False), (folder, True)] if in_workspace(folder) else [(path, False)]
    if action.call.tool in LOOKING and action.call.tool != "read_file":
        places = [(path, True)]
    try:
        return tuple(_offered(Place(tool, *place), _of(tool, *place)) for place in places)
    except ValueError:
        return NotOffered("A rule is about a path of plain letters; this one holds others.")


def denials(action: Action) -> tuple[Offer, ...]:
    """The deny rules for an action, the narrowest first: whole commands, then their beginnings.

    Empty when no word of it can be told, or its path holds other than plain letters.
    """
    subjects: list[Subject] = []
    if action.call.tool == SHELL:
        for length in (_WHOLE, 2, 1):
            subjects += [Beginning(words) for words in _beginnings(command_of(action), length)]
    elif action.call.tool == CONNECT:
        subjects.append(Host(host_of(action)))
    elif action.call.tool != HELD:
        with contextlib.suppress(ValueError):
            subjects.append(Place(action.call.tool, path_of(action)))
    rules = [Rule("", Outcome.DENY, about, Scope.WORKSPACE, 0.0) for about in subjects]
    return tuple(
        Offer(rule.subject, rule.stored, sentences_of(Outcome.DENY, rule.subject))
        for rule in dict.fromkeys(rules)
    )


def first_offers() -> tuple[Offer, ...]:
    """What the first session offers: reading, listing and searching inside the workspace."""
    return tuple(
        _offered(Place(tool, WORKSPACE, below=True), _of(tool, WORKSPACE, True))
        for tool in sorted(SEARCHING)
    )


def _beginnings(command: str, length: int) -> list[tuple[str, ...]]:
    """The first words of the commands in a text, where all of them can be told."""
    found = []
    for simple in read_whole(command).commands[:MOST_DENIALS]:
        texts = [word.text for word in simple.words[:length]]
        words = tuple(text for text in texts if text)
        if len(words) == len(texts):
            found.append(words)
    return found


def _offered(subject: Subject, cautions: tuple[str, ...]) -> Offer:
    rule = Rule("", Outcome.ALLOW, subject, Scope.WORKSPACE, 0.0)
    return Offer(subject, rule.stored, (*sentences_of(Outcome.ALLOW, subject), *cautions))


def _why_not_exact(command: str) -> str:
    if len(command) > LONGEST:
        return _LONG
    return _NOT_SIMPLE if command.isascii() else _NOT_ASCII


def _never(words: tuple[str, ...]) -> str:
    """Why a command is never offered; empty when it may be."""
    program, name = words[0], family(words[0])
    reasons = (
        (name == "git" or name.startswith("git-"), _GIT),
        (name in SHELLS or name in INTERPRETERS, _SHELL_RUNS),
        (name in WRAPPERS, _WRAPPER),
        (name in SCREENS, _SCREEN),
        ("/" in program and program.rpartition("/")[0] not in FOLDERS, _OWN_PROGRAM),
    )
    for true, reason in reasons:
        if true:
            return reason.format(name=name)
    for word in words[1:]:
        if word.partition("=")[0] in _EXECUTING_WORDS:
            return _RUNS_OTHERS.format(word=word.partition("=")[0], name=name)
    return ""


def _cautions(words: tuple[str, ...]) -> tuple[str, ...]:
    """What a person should know before remembering a command."""
    if family(words[0]) in _RUNNERS:
        return ("It runs code of the workspace, which the agent can change at any time.",)
    return ()


def _of(tool: str, path: str, below: bool) -> tuple[str, ...]:
    """What a person should know before remembering a path."""
    if tool in WATCHING:
        return ()
    if below:
        return (
            "Files that your machine runs later, and files that often hold secrets, are left out.",
        )
    cautions = []
    if why := guarded(path):
        cautions.append(f"Your machine may act on this file: {why}.")
    if is_secret(path):
        cautions.append("A file of this name often holds secrets; what is read goes to the model.")
    return tuple(cautions)
