"""What becomes of an action: allow, deny or ask, by the person's rules and the mode. Pure.

Three modes. ``ask``: every action waits. ``plan``: only the tools that look; the rest is denied
with a sentence for the model. ``contained``: what stays in the sandbox runs at once, and what
crosses its boundary waits.

Where that boundary is for a command of the shell: the box has no network, and of the host it has
the workspace alone, so the one way out is a file there that the host runs or obeys later
(``paths.guarded``). Reading what often holds secrets waits too, since it goes to the model. What a
program does by itself cannot be seen in a command: ``pytest`` runs code that the agent wrote a
minute before. So a command runs at once only if every program in it is known, every file that it
writes is named and not guarded, and it leaves the shell as it was.

Two things remain that no text tells: a link in the workspace that leads to a guarded file, and a
process left behind by an action that a person allowed. ``held=True`` says that the box itself keeps
guarded files as they are (read-only, or compared and put back after each action), which covers
both. Then code of the workspace and unknown programs run at once as well, and only what names a
guarded file, the network, more rights, a secret or a dangerous form waits. Either way, what cannot
be read is asked about.

Deny rules win over the mode, and the mode ``plan`` over allow rules. A deny rule that cannot be
checked lets nothing run without a question.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from pocketcoder_tui.core.actions import Action, DecidedBy, Outcome
from pocketcoder_tui.gatekeeper.effects import Effect, Kind, effects_of
from pocketcoder_tui.gatekeeper.rules import (
    Command,
    Rule,
    allowing,
    denying,
    fresh_argv,
)
from pocketcoder_tui.gatekeeper.toolset import ASK, HELD, LOOKING, PLAN, WRITING

MODE_ASK = "ask"
"""Every action waits for the person."""
MODE_CONTAINED = "contained"
"""What stays in the sandbox runs without asking."""
MODE_PLAN = "plan"
"""Only the tools that look; nothing is changed."""
MODES = (MODE_ASK, MODE_CONTAINED, MODE_PLAN)
"""In the order in which a key goes through them."""

_CROSSES = frozenset(
    {Kind.UNREAD, Kind.GUARDED, Kind.NETWORK, Kind.PRIVILEGE, Kind.SECRET, Kind.DANGER}
)
"""Effects that wait in the contained mode."""
_MAY_CROSS = frozenset({Kind.CODE, Kind.UNKNOWN, Kind.SHELL})
"""Effects behind which a change of a guarded file can hide."""

_ASKS = "Ask mode: every action waits for you."
_NOT_IN_PLAN = (
    "Plan mode: only tools that look may be used (read_file, list_files and search_files, and "
    "those that watch the terminal), so this was not done and nothing was changed. Look at what "
    "you need, then say what you would do; the person decides when the plan is carried out."
)
_PLAN_LOOKS = "Plan mode: looking is allowed."
_HELD = "Your machine runs these files, so no mode and no rule answers for you."
_QUESTION = "The agent asks you something, and nobody else answers it."
_SHOWN = "A plan runs nothing; it is shown."
_STAYS = "Contained mode: what it does stays in the sandbox."
_LINKS = "Where the path leads was not looked up, so it may be another file."


@dataclass(frozen=True, slots=True)
class Verdict:
    """The gatekeeper's answer."""

    outcome: Outcome | None
    """None means that the person is asked."""
    why: str
    """One sentence for the person; for a denial it is for the model as well."""
    who: str = MODE_ASK
    """The mode that answered, or the id of the rule."""
    by: DecidedBy = DecidedBy.MODE
    argv: tuple[str, ...] = ()
    """For a command that a rule allows: what ``Box.exec`` is given, not the agent's shell."""


def judge(
    action: Action,
    *,
    mode: str = MODE_ASK,
    rules: Iterable[Rule] = (),
    now: float = 0.0,
    resolved: str = "",
    held: bool = False,
) -> Verdict:
    """Say what becomes of an action. Raises ValueError for an unknown mode.

    ``now`` is in Unix seconds, for rules that hold for a while. ``resolved`` is the absolute path
    to which the box says that a file tool's path leads, links followed; without it nothing is
    written unasked. ``held`` says that the box keeps guarded files from being changed by what runs
    in it.
    """
    if mode not in MODES:
        raise ValueError(f"unknown mode: {mode}")
    live = [rule for rule in rules if not rule.rests(now, action.session_id)]
    denial = denying(action, live, resolved=resolved)
    if denial is not None and denial.certain:
        return _by_rule(
            Outcome.DENY, denial.rule, f"A rule of the person denies this. {denial.why}"
        )
    if action.call.tool == HELD:
        return Verdict(None, _HELD)
    if action.call.tool == ASK:
        return Verdict(None, _QUESTION)
    if action.call.tool == PLAN:
        return Verdict(Outcome.ALLOW, _SHOWN, mode)
    if mode == MODE_PLAN and action.call.tool not in LOOKING:
        return Verdict(Outcome.DENY, _NOT_IN_PLAN, MODE_PLAN)
    if denial is not None:
        why = f"A deny rule could not be checked, so this waits for you. {denial.why}"
        return Verdict(None, why, denial.rule.id, DecidedBy.RULE)
    allowed = allowing(action, live, resolved=resolved)
    if allowed is not None:
        return _by_rule(Outcome.ALLOW, allowed, f"A rule of yours allows this: {allowed.stored}")
    return Verdict(None, _ASKS) if mode == MODE_ASK else _by_mode(action, mode, resolved, held)


def crossings(action: Action, *, resolved: str = "", held: bool = False) -> tuple[Effect, ...]:
    """The effects for which an action waits in the contained mode; empty when it stays inside.

    See ``judge`` for ``resolved`` and ``held``.
    """
    found = effects_of(action, resolved=resolved).effects
    crossing = [effect for effect in found if effect.kind in _CROSSES]
    if not held:
        crossing += [e for e in found if e.kind in _MAY_CROSS or not e.certain]
    if not resolved and action.call.tool in WRITING:
        crossing.append(Effect(Kind.UNKNOWN, _LINKS))
    return tuple(dict.fromkeys(crossing))


def _by_mode(action: Action, mode: str, resolved: str, held: bool) -> Verdict:
    """The answer of a mode that lets something run; whatever else may happen is asked about."""
    crossing = crossings(action, resolved=resolved, held=held)
    if crossing:
        return Verdict(None, f"{mode.capitalize()} mode: {crossing[0].sentence}", mode)
    return Verdict(Outcome.ALLOW, _PLAN_LOOKS if mode == MODE_PLAN else _STAYS, mode)


def _by_rule(outcome: Outcome, rule: Rule, why: str) -> Verdict:
    argv: tuple[str, ...] = ()
    if outcome is Outcome.ALLOW and isinstance(rule.subject, Command):
        argv = fresh_argv(rule.subject.argv, rule.subject.cwd)
    return Verdict(outcome, why, rule.id, DecidedBy.RULE, argv)
