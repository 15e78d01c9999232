"""Two copies of one workspace and what they last had in common: what has to go which way (pure).

A manifest is every file, link and folder by its path. A change on one side alone goes to the other
one. Where both changed the same file, the person's machine wins there and the other content is put
beside it under another name; where one side changed what the other deleted, it stays. So nothing
that anybody wrote is lost, in whatever order the two are looked at.
"""

import stat
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from pocketcoder_tui.sandbox.checkpoints.difference import Change
from pocketcoder_tui.sandbox.checkpoints.objects import Item

__all__ = ["Manifest", "Plan", "is_git_s_own", "make_plan", "parents"]

Manifest = dict[bytes, Item]
"""Of a folder its mode alone counts: its ``id`` is empty."""

Rule = Callable[[bytes], bool]

_GIT = b".git"
_OBEYED = frozenset({b"config", b"config.worktree", b"commondir", b"gitdir"})
_DATA = frozenset({b"objects", b"refs", b"logs", b"lfs"})
"""Folders of a repository in which a name says nothing."""


@dataclass(slots=True)
class Plan:
    """What has to be done."""

    pull: list[Change] = field(default_factory=list)
    """From the box to the host; ``old`` is what the host has."""
    push: list[Change] = field(default_factory=list)
    """From the host to the box; ``old`` is what the box has."""
    agreed: Manifest = field(default_factory=dict)
    """What both have in common before anything is done."""
    beside: list[bytes] = field(default_factory=list)
    """Files that both changed; the box's content goes to another name."""
    refused: list[bytes] = field(default_factory=list)
    """What the box changed and may not; it gets the host's again."""

    @property
    def empty(self) -> bool:
        """True when both are the same, but for what may differ."""
        return not (self.pull or self.push)


def make_plan(
    agreed: Mapping[bytes, Item],
    here: Mapping[bytes, Item],
    there: Mapping[bytes, Item],
    *,
    apart: Rule = lambda path: False,
    ours: Rule = lambda path: False,
    suffix: bytes = b".from-the-box",
) -> Plan:
    """Compare the host's copy (``here``) and the box's (``there``).

    ``apart``: paths that stay as they are on both sides. ``ours``: paths that the box may not
    change. ``suffix``: the end of the other name for a file that both changed.
    """
    plan = Plan()
    taken = {*here, *there}
    for path in sorted({*agreed, *taken}):
        was, host, box = agreed.get(path), here.get(path), there.get(path)
        common = host if host == box and not apart(path) else was
        if common is not None:
            plan.agreed[path] = common
        if host == box or apart(path):
            continue
        if ours(path):
            plan.push.append(Change(path, box, host))
            plan.refused += [path] if box != was else []
        elif host == was or (host is None and box not in (None, was)):
            plan.pull.append(Change(path, host, box))
        else:
            plan.push.append(Change(path, box, host))
            if box not in (was, None) and host is not None:
                _keep_beside(plan, path, box, suffix, taken)
    _untangle(plan, here, there, suffix, taken)
    return plan


def parents(path: bytes) -> Iterable[bytes]:
    """The folders on the way to a path, the nearest last."""
    at = path.find(b"/")
    while at >= 0:
        yield path[:at]
        at = path.find(b"/", at + 1)


def is_git_s_own(repositories: Rule) -> Rule:
    """What git on the host runs or obeys in a repository that the host has (gitrepository-layout).

    ``repositories`` says whether the host has a ``.git`` at a path. One that is new in the box
    comes over whole, and is named like everything that the host may run.
    """

    def rule(path: bytes) -> bool:
        parts = path.split(b"/")
        if _GIT not in parts:
            return False
        at = parts.index(_GIT)
        if not repositories(b"/".join(parts[: at + 1])):
            return False
        inside = parts[at + 1 :]
        if not inside:
            return True
        if inside[0] in _DATA:
            return False
        return (
            b"hooks" in inside or inside[-1] in _OBEYED or inside[-2:] == [b"info", b"attributes"]
        )

    return rule


def _keep_beside(
    plan: Plan, path: bytes, box: Item | None, suffix: bytes, taken: set[bytes]
) -> None:
    """A file of the box's that gives way to the host's is put beside it, on the host."""
    if box is None or _is_folder(box):
        return
    other = _free(path + suffix, taken)
    taken.add(other)
    plan.pull.append(Change(other, None, box))
    plan.beside.append(path)


def _free(name: bytes, taken: Collection[bytes]) -> bytes:
    """The name, or the first one like it that nobody has."""
    number, free = 1, name
    while free in taken:
        number += 1
        free = b"%s-%d" % (name, number)
    return free


def _untangle(
    plan: Plan,
    here: Mapping[bytes, Item],
    there: Mapping[bytes, Item],
    suffix: bytes,
    taken: set[bytes],
) -> None:
    """Folders that one side removed, or made something else of, while the other filled them."""
    _move_aside(plan, here, there, suffix, taken)
    filled = {f for change in plan.push if change.new is not None for f in parents(change.path)}
    for change in [c for c in plan.pull if c.path in filled and not _is_folder(c.new)]:
        # The host's folder stays, whatever the box has in its place.
        plan.pull.remove(change)
        plan.push.append(Change(change.path, change.new, change.old))
        _keep_beside(plan, change.path, change.new, suffix, taken)
    filled = {f for change in plan.pull if change.new is not None for f in parents(change.path)}
    for change in [c for c in plan.push if c.path in filled and c.new is None]:
        plan.push.remove(change)
        plan.pull.append(Change(change.path, None, change.old))
    plan.pull.sort(key=lambda change: change.path)
    plan.push.sort(key=lambda change: change.path)


def _move_aside(
    plan: Plan,
    here: Mapping[bytes, Item],
    there: Mapping[bytes, Item],
    suffix: bytes,
    taken: set[bytes],
) -> None:
    """What the box has in a folder where the host has none any more goes into another folder."""
    moved: dict[bytes, bytes] = {}
    for change in list(plan.pull):
        on_the_way = (f for f in parents(change.path) if f in here and not _is_folder(here[f]))
        blocked = next(on_the_way, b"")
        if not blocked:
            continue
        plan.pull.remove(change)
        if change.new is None:
            continue
        if blocked not in moved:
            moved[blocked] = _free(blocked + suffix, taken)
            taken.add(moved[blocked])
            plan.beside.append(blocked)
        place = moved[blocked] + change.path[len(blocked) :]
        plan.pull.append(Change(place, None, change.new))
        plan.push.append(Change(change.path, change.new, None))
        for folder in parents(change.path):
            other = moved[blocked] + folder[len(blocked) :]
            known = {c.path for c in plan.pull}
            if folder.startswith(blocked) and other not in known:
                plan.pull.append(Change(other, None, there[folder]))


def _is_folder(item: Item | None) -> bool:
    return item is not None and stat.S_ISDIR(item.mode)
