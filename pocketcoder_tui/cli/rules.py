"""`pocketcoder rules`: listed, explained, made, switched off, deleted, tried on the past.

Reading works while another pocketcoder has the ledger; it then sees what was recorded so far.
Changing needs the ledger, and is refused with the name of who has it.

The JSON keeps its keys within one number of ``schema``; new ones may be added. Times are Unix
seconds.

    schema     1
    rules      of list, unused, show, explain and add: {"id", "stored" (the exact text), "outcome",
               "scope", "session", "made", "made_by", "made_from" (an action's id, or empty),
               "expires", "uses", "used", "last_used" (0 for never), "disabled",
               "holds" (true when it would decide now), "sentences"}
    rule       of test: the rule's id       asked    how many actions it was tried on
    decided    of test: {"action", "tool", "command", "path", "cwd"} of those that it would decide
    unsure     of test: of how many a deny rule could not tell
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from pocketcoder_tui.cli.arguments import Arguments
from pocketcoder_tui.cli.output import GREY, encodable, paint, say
from pocketcoder_tui.config.paths import Paths
from pocketcoder_tui.core.actions import Action, Outcome, ToolCall
from pocketcoder_tui.core.errors import PocketCoderError
from pocketcoder_tui.core.ids import new_id
from pocketcoder_tui.core.rules import KeptRule, RuleShelf
from pocketcoder_tui.engine.login import login, login_name
from pocketcoder_tui.engine.rulebook import BACK, Listed
from pocketcoder_tui.engine.rulekeeper import listed_rule
from pocketcoder_tui.gatekeeper.faithful import faithful_text, plain
from pocketcoder_tui.gatekeeper.paths import WORKSPACE
from pocketcoder_tui.gatekeeper.rules import (
    NotOffered,
    Offer,
    Place,
    Scope,
    Terms,
    back_test,
    denials,
    kept,
    offer,
    offers,
    rule_of,
)
from pocketcoder_tui.gatekeeper.toolset import SEARCHING, SHELL, WRITING

SCHEMA = 1
NONE = "There are no rules. In the workbench, a on an action that waits offers one."
ALL_FIRE = "Every rule has decided something."
Work = Callable[[Arguments, RuleShelf], Awaitable[int]]


class RuleRefused(PocketCoderError):
    """What was asked for is no rule that can be made or found."""

    hint = "Run: pocketcoder rules list."


def run(args: Arguments, paths: Paths) -> int:
    """Do what was asked. Raises LedgerError, RuleRefused."""
    return asyncio.run(_run(args, paths))


async def _run(args: Arguments, paths: Paths) -> int:
    from pocketcoder_tui.ledger import SqliteLedger, open_to_look

    work = _WORKS[args.action]
    if args.action in _CHANGES:
        async with await SqliteLedger.open(paths.ledger, login=login()) as ledger:
            return await work(args, ledger.rules)
    if not paths.ledger.exists():
        print(json.dumps({"schema": SCHEMA, "rules": []}) if args.json else NONE)
        return 0
    async with await open_to_look(paths.ledger) as look:
        return await work(args, look.rules)


async def show_list(args: Arguments, shelf: RuleShelf) -> int:
    """One line for each."""
    return _print(args, await _listed(shelf), NONE)


async def show_unused(args: Arguments, shelf: RuleShelf) -> int:
    """Those that never fire."""
    found = await _listed(shelf)
    return _print(args, [one for one in found if not one.kept.used], ALL_FIRE if found else NONE)


async def show(args: Arguments, shelf: RuleShelf) -> int:
    """The stored text and nothing else; with --json all that is known."""
    one = await _chosen(args.rule, shelf)
    if args.json:
        return _print(args, [one], "")
    say(faithful_text(one.kept.text))
    return 0


async def explain(args: Arguments, shelf: RuleShelf) -> int:
    """What it does, in words."""
    one = await _chosen(args.rule, shelf)
    if args.json:
        return _print(args, [one], "")
    say(*one.sentences, f"Stored, exactly: {faithful_text(one.kept.text)}")
    say(f"Made {_moment(one.kept.made)} by {one.kept.made_by or 'nobody'}.")
    return 0


async def add(args: Arguments, shelf: RuleShelf) -> int:
    """Keep a rule that may be offered, and say what was kept."""
    if args.tool and args.tool not in SEARCHING | WRITING.keys():
        raise RuleRefused(
            f"There are no rules about this tool with a path: {args.tool!a}.", hint=""
        )
    outcome = Outcome.DENY if args.deny else Outcome.ALLOW
    offered = _deny_offer(args) if args.deny else _allow_offer(args)
    try:
        terms = Terms(Scope(args.scope), args.uses)
    except ValueError as error:
        raise RuleRefused("--scope uses needs --uses N, from 1 to 99.", hint="") from error
    made = kept(new_id(), outcome, offered.subject, terms, now=time.time(), by=login_name())
    await shelf.add(made)
    if args.json:
        return _print(args, [_told(made)], "")
    say(f"Kept the rule {made.id}.", *offered.sentences)
    say(f"Stored, exactly: {faithful_text(made.text)}")
    return 0


async def disable(args: Arguments, shelf: RuleShelf) -> int:
    """Switch it off, or on."""
    one = await _chosen(args.rule, shelf)
    off = args.action == "disable"
    await shelf.disable(one.kept.id, off, login_name())
    say(f"The rule {one.kept.id} is switched {'off' if off else 'on'}.")
    return 0


async def delete(args: Arguments, shelf: RuleShelf) -> int:
    """End it."""
    one = await _chosen(args.rule, shelf)
    await shelf.delete(one.kept.id, login_name())
    say(f"The rule {one.kept.id} is deleted.")
    return 0


async def test(args: Arguments, shelf: RuleShelf) -> int:
    """Try it on the past."""
    one = await _chosen(args.rule, shelf)
    past = [it.action for it in await shelf.past(BACK)]
    [tested] = back_test([rule_of(one.kept)], past)
    if args.json:
        found = [_action_json(action) for action in tested.actions]
        print(json.dumps({"schema": SCHEMA, "rule": one.kept.id, "asked": tested.asked,
                          "decided": found, "unsure": tested.unsure}))  # fmt: skip
        return 0
    said = "allowed" if tested.rule.outcome is Outcome.ALLOW else "denied"
    say(f"Of your last {tested.asked:,} actions it would have {said} these {len(tested.actions)}.")
    for action in tested.actions:
        print("  " + encodable(plain(_text(action), keep_newlines=False)))
    if tested.unsure:
        say(f"Of {tested.unsure:,} more it could not tell.")
    return 0


_CHANGES = ("add", "disable", "enable", "delete")
_WORKS: dict[str, Work] = {
    "list": show_list,
    "show": show,
    "explain": explain,
    "add": add,
    "disable": disable,
    "enable": disable,
    "delete": delete,
    "test": test,
    "unused": show_unused,
}


def _allow_offer(args: Arguments) -> Offer:
    """The rule that allows what was typed. Raises RuleRefused with the reason."""
    if not args.tool:
        found = offer(args.text, args.inside or WORKSPACE)
        if isinstance(found, NotOffered):
            raise RuleRefused(found.why, hint="")
        return found
    several = offers(_action(args))
    if isinstance(several, NotOffered):
        raise RuleRefused(several.why, hint="")
    for one in several:
        if isinstance(one.subject, Place) and one.subject.below == args.below:
            return one
    places = " or ".join(one.stored for one in several)
    raise RuleRefused(f"Only this is offered: {places}", hint="Add or leave out --below.")


def _deny_offer(args: Arguments) -> Offer:
    """The narrowest rule that denies what was typed. Raises RuleRefused."""
    found = denials(_action(args))
    if not found:
        raise RuleRefused("No word of this can be told, so no rule can deny it.", hint="")
    return found[0]


def _action(args: Arguments) -> Action:
    """What was typed as the model would ask for it; it is never proposed."""
    about = {"path": args.text} if args.tool else {"command": args.text}
    call = ToolCall("", args.tool or SHELL, about)
    return Action("", "", "", "", call, args.inside or WORKSPACE, "")


async def _listed(shelf: RuleShelf) -> list[Listed]:
    return [_told(one) for one in await shelf.all() if not one.deleted]


def _told(one: KeptRule) -> Listed:
    try:
        return listed_rule(one, time.time(), one.session_id)
    except ValueError as error:
        raise RuleRefused(f"The rule {one.id} cannot be read.", hint="Delete it.") from error


async def _chosen(asked: str, shelf: RuleShelf) -> Listed:
    """The one rule whose id begins or ends so. Raises RuleRefused."""
    found = [
        one
        for one in await _listed(shelf)
        if asked and (one.kept.id.startswith(asked) or one.kept.id.endswith(asked))
    ]
    if len(found) != 1:
        many = f"{len(found)} rules have" if found else "No rule has"
        raise RuleRefused(f"{many} an id that begins or ends with {asked!a}.")
    return found[0]


def _print(args: Arguments, found: Sequence[Listed], nothing: str) -> int:
    if args.json:
        print(json.dumps({"schema": SCHEMA, "rules": [_json(one) for one in found]}))
        return 0
    for one in found:
        print(_line(one))
    if not found:
        print(nothing)
    return 0


def _line(one: Listed) -> str:
    """Id, what it does, how long it holds, how often it decided."""
    sentence = encodable(plain(one.sentences[0], keep_newlines=False))
    uses = f"{one.kept.used} of {one.kept.uses}" if one.kept.uses else f"{one.kept.used}"
    rests = f"  {one.rests}" if one.rests else ""
    tail = paint(f"  {one.kept.scope}, used {uses}{rests}", GREY)
    return f"{one.kept.id}  {sentence}{tail}"


def _json(one: Listed) -> dict[str, Any]:
    rule = one.kept
    return {
        "id": rule.id,
        "stored": rule.text,
        "outcome": rule.outcome.value,
        "scope": rule.scope,
        "session": rule.session_id,
        "made": rule.made,
        "made_by": rule.made_by,
        "made_from": rule.made_from,
        "expires": rule.expires,
        "uses": rule.uses,
        "used": rule.used,
        "last_used": rule.last_used,
        "disabled": rule.disabled,
        "holds": not one.rests,
        "sentences": list(one.sentences),
    }


def _action_json(action: Action) -> dict[str, Any]:
    arguments = action.call.arguments
    return {
        "action": action.id,
        "tool": action.call.tool,
        "command": arguments.get("command", ""),
        "path": arguments.get("path", ""),
        "cwd": action.cwd,
    }


def _text(action: Action) -> str:
    arguments = action.call.arguments
    return str(arguments.get("command") or f"{action.call.tool} {arguments.get('path', '')}")


def _moment(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at))
