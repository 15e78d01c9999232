"""How often a person was asked, who or what decided, how fast, and which rule would have helped."""

import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pocketcoder_tui.core.actions import Action, DecidedBy, Outcome
from pocketcoder_tui.core.rules import PastAction
from pocketcoder_tui.gatekeeper.rules.exact import exact_words, written
from pocketcoder_tui.gatekeeper.rules.matching import command_of
from pocketcoder_tui.gatekeeper.rules.offers import NotOffered, offer

__all__ = ["Decider", "Repeated", "Tally", "tally", "tally_words"]

MOST_REPEATED = 10
"""Commands in the list of the most repeated ones."""


@dataclass(frozen=True, slots=True)
class Decider:
    """Somebody or something that decided."""

    by: DecidedBy
    who: str
    """A login name, the id of a rule, or the name of a mode."""
    allowed: int
    denied: int


@dataclass(frozen=True, slots=True)
class Repeated:
    """A command that a person was asked about more than once."""

    command: str
    """As it was asked, in the directory below."""
    cwd: str
    asked: int
    rule: str
    """The exact text of the rule that would have covered it; empty when none is offered."""
    why: str
    """Why none is offered; empty otherwise."""


@dataclass(frozen=True, slots=True)
class Tally:
    """All of it."""

    actions: int
    asked: int
    """How often the person was asked."""
    allowed: int
    denied: int
    edited: int
    """How many actions the person changed before deciding."""
    open: int
    """Not decided: they wait, or were taken back."""
    median_seconds: float | None
    """From the question to the person's answer; None when the person answered nothing."""
    deciders: tuple[Decider, ...]
    """The most busy one first."""
    repeated: tuple[Repeated, ...]
    """The most repeated one first."""


def tally(past: Sequence[PastAction]) -> Tally:
    """Count. The order of ``past`` does not matter."""
    decided = [one for one in past if one.outcome is not None]
    waits = [
        max(one.decided - one.action.at, 0.0)
        for one in decided
        if one.waited and one.by is DecidedBy.PERSON
    ]
    allowed = sum(one.outcome is Outcome.ALLOW for one in decided)
    return Tally(
        actions=len(past),
        asked=sum(one.waited for one in past),
        allowed=allowed,
        denied=len(decided) - allowed,
        edited=sum(one.edited for one in past),
        open=len(past) - len(decided),
        median_seconds=statistics.median(waits) if waits else None,
        deciders=_deciders(decided),
        repeated=_repeated(one.action for one in past if one.waited),
    )


def _deciders(decided: Iterable[PastAction]) -> tuple[Decider, ...]:
    counts = Counter((one.by, one.who, one.outcome) for one in decided)
    names = dict.fromkeys((by, who) for by, who, _ in counts)
    found = [
        Decider(by, who, counts[by, who, Outcome.ALLOW], counts[by, who, Outcome.DENY])
        for by, who in names
        if by is not None
    ]
    return tuple(sorted(found, key=lambda one: -(one.allowed + one.denied)))


def _repeated(asked: Iterable[Action]) -> tuple[Repeated, ...]:
    """A command that differs only in spaces and quotes that mean nothing is the same one."""
    counts: Counter[tuple[str, str]] = Counter()
    for action in asked:
        if command := command_of(action):
            words = exact_words(command)
            counts[written(words) if words else command, action.cwd] += 1
    often = [(key, n) for key, n in counts.most_common() if n > 1][:MOST_REPEATED]
    found = []
    for (command, cwd), count in often:
        offered = offer(command, cwd)
        rule, why = ("", offered.why) if isinstance(offered, NotOffered) else (offered.stored, "")
        found.append(Repeated(command, cwd, count, rule, why))
    return tuple(found)


def tally_words(counted: Tally) -> list[str]:
    """The tally in lines for a person. A command in one is raw; whoever prints it cleans it."""
    if not counted.actions:
        return ["The agent has not asked for anything yet."]
    fast = ""
    if counted.median_seconds is not None:
        fast = f", half of the answers within {counted.median_seconds:.1f} s"
    lines = [
        f"{counted.actions:,} actions: {counted.allowed:,} allowed, {counted.denied:,} denied, "
        f"{counted.edited:,} changed by you first, {counted.open:,} without a decision.",
        f"You were asked {counted.asked:,} times{fast}.",
        "",
        "Who decided",
    ]
    lines += [f"  {_named(one)}: {one.allowed:,} allowed, {one.denied:,} denied" for one in
              counted.deciders]  # fmt: skip
    if counted.repeated:
        lines += ["", "Asked again and again, and the rule that would have covered it"]
    for often in counted.repeated:
        lines.append(f"  {often.asked:,} times: {often.command}")
        lines.append(f"    {often.rule or often.why}")
    return lines


def _named(one: Decider) -> str:
    return {"person": f"{one.who or 'you'}", "rule": f"rule {one.who}", "mode": f"{one.who}"}[
        one.by.value
    ]
