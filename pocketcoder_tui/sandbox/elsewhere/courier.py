"""A workspace that an engine elsewhere cannot mount: carried there and back, around every action.

Its box works on a volume of that engine. Before something is done there the two copies are made
the same, and once more when it is over; a copy is a folder on each side, so what is called the
workspace is the host's. What goes where is decided in manifest.py.
"""

import asyncio
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from pocketcoder_tui.core.errors import CheckpointError, SandboxError
from pocketcoder_tui.core.ports import Box, ExecResult
from pocketcoder_tui.sandbox.checkpoints.difference import Change
from pocketcoder_tui.sandbox.checkpoints.objects import Item
from pocketcoder_tui.sandbox.elsewhere import listing
from pocketcoder_tui.sandbox.elsewhere.host import LIMITS, HostSide, Memory, Seen, link_id
from pocketcoder_tui.sandbox.elsewhere.manifest import (
    Manifest,
    Plan,
    is_git_s_own,
    make_plan,
    parents,
)

__all__ = ["Carried", "Courier"]

T = TypeVar("T")

ROUNDS = 3
"""How often the two are compared in one go while they keep changing."""
DEPTH = 118
"""Folders within folders that are carried."""
_LIST = 512 << 20
"""Bytes of a list of the box's files."""
_LOAD = 32 << 20
"""Bytes that are sent in one piece, unless one file is larger."""
_GRAIN = 40_000_000
"""Nanoseconds within which two changes may have one moment (checkpoints.walking)."""
_LARGE = "larger than 256 MiB"
_NAMED = 5
"""Files that a sentence names."""


@dataclass(slots=True)
class Carried:
    """What came of it."""

    brought: int = 0
    """Files, links and folders that came to the host."""
    sent: int = 0
    notes: list[str] = field(default_factory=list)
    """Sentences for the person."""


class Courier:
    """Owns the host's side and what is known of the box's. One carrying at a time."""

    def __init__(
        self, workspace: Path, folder: Path, hidden: Callable[[], frozenset[bytes]]
    ) -> None:
        """``folder``: where contents are kept; ``hidden``: what the box is not to see."""
        self._host = HostSide(workspace, folder)
        self._hidden = hidden
        self._memory: Memory | None = None
        self._lock = asyncio.Lock()
        self._expected: dict[bytes, tuple[Item, int]] = {}
        """What was sent: what it is, and when it changed there, seconds."""
        self._left_there: set[bytes] = set()
        """What stays in the box."""
        self._told: set[str] = set()

    async def carry(self, box: Box, volume: str, *, back: bool = False) -> Carried:
        """Make both the same, or with ``back`` the host's alone. ``volume`` names the box's copy.

        Raises SandboxError, ContainerGone. What was under way then is done by the next call.
        """
        async with self._lock:
            try:
                return await self._carry(box, volume, back)
            except CheckpointError as error:
                raise SandboxError(error.sentence, hint=error.hint) from error

    def close(self) -> None:
        """Let go of the folder."""
        self._host.close()

    async def _carry(self, box: Box, volume: str, back: bool) -> Carried:
        known = self._memory
        memory = known if known is not None else await asyncio.to_thread(self._host.open)
        if memory.volume != volume:
            # Another copy than the one that was known: nothing of it is a deletion.
            memory = Memory(volume)
        self._memory = memory
        done = Carried()
        for _ in range(ROUNDS):
            there = await self._look_there(box, memory, done)
            here = await asyncio.to_thread(self._host.look)
            plan = self._plan(memory, here, there)
            plan.push = [] if back else plan.push
            changed = memory.agreed != plan.agreed
            memory.agreed = plan.agreed
            if plan.empty:
                if changed or done.brought or done.sent:
                    await asyncio.to_thread(self._host.save, memory)
                break
            await self._bring(plan, memory, there, done)
            await self._send(box, plan, memory, done)
        return done

    def _plan(self, memory: Memory, here: Manifest, there: Manifest) -> Plan:
        hidden, left = self._hidden(), self._host.left
        git = is_git_s_own(lambda path: path in here)

        def apart(path: bytes) -> bool:
            return (
                path in left
                or path in self._left_there
                or path in hidden
                or any(folder in hidden for folder in parents(path))
            )

        return make_plan(memory.agreed, here, there, apart=apart, ours=git)

    # --- the box's side

    async def _look_there(self, box: Box, memory: Memory, done: Carried) -> Manifest:
        result = await _run(box, listing.LIST, doing="look at the box's files", limit=_LIST)
        found: Manifest = {}
        known: dict[bytes, Seen] = {}
        wanted: list[listing.Entry] = []
        self._left_there = set()
        now, entries = listing.read_list(result.stdout)
        for entry in entries:
            mode, size = entry.stamp[:2]
            before = memory.there.get(entry.path)
            if entry.path.count(b"/") >= DEPTH:
                self._left_there.add(entry.path)
            elif stat.S_ISDIR(mode):
                found[entry.path] = Item(mode, b"")
            elif before is not None and before[2] and before[0] == entry.stamp:
                known[entry.path] = before
            elif (sent := self._as_sent(entry)) is not None:
                known[entry.path] = (entry.stamp, sent.id, True)
            elif size > LIMITS.file:
                self._left_there.add(entry.path)
                self._tell(done, f"{os.fsdecode(entry.path)} stays in the box: it is {_LARGE}.")
            else:
                wanted.append(entry)
        known |= await self._fetched(box, wanted, now)
        for path, (stamp, id_, _) in known.items():
            found[path] = Item(stamp[0], id_)
        memory.there = known
        return found

    def _as_sent(self, entry: listing.Entry) -> Item | None:
        """What was sent there, when it is still that."""
        item, changed = self._expected.get(entry.path, (None, -1))
        if item is None or item.mode != entry.stamp[0]:
            return None
        if item.is_link:
            return item if link_id(entry.target) == item.id else None
        return item if entry.stamp[2] == changed * 1_000_000_000 else None

    async def _fetched(
        self, box: Box, wanted: Sequence[listing.Entry], now: int
    ) -> dict[bytes, Seen]:
        """Contents that are not known, kept on the host. What is gone meanwhile is left out.

        ``now``: when they were listed, nanoseconds of the box's clock.
        """
        known: dict[bytes, Seen] = {}
        links = [entry for entry in wanted if stat.S_ISLNK(entry.stamp[0])]
        ids = await asyncio.to_thread(self._host.keep, [entry.target for entry in links])
        for entry, id_ in zip(links, ids, strict=True):
            known[entry.path] = (entry.stamp, id_, True)
        files = {entry.path: entry for entry in wanted if stat.S_ISREG(entry.stamp[0])}
        for load in _loads([(entry, entry.stamp[1]) for entry in files.values()]):
            asked = listing.names([entry.path for entry in load])
            room = sum(entry.stamp[1] + 4096 + 3 * len(entry.path) for entry in load) + (1 << 20)
            result = await _run(
                box, listing.fetch(), asked, doing="fetch the box's files", limit=room
            )
            got = [got for got in listing.contents_in(result.stdout) if got[0] in files]
            kept = await asyncio.to_thread(self._host.keep, [content for _, content, _ in got])
            for (path, content, changed), id_ in zip(got, kept, strict=True):
                stamp = files[path].stamp
                same = len(content) == stamp[1] and changed == stamp[2] // 1_000_000_000
                known[path] = (stamp, id_, same and now - stamp[3] > _GRAIN)
        return known

    # --- both ways

    async def _bring(self, plan: Plan, memory: Memory, there: Manifest, done: Carried) -> None:
        if not plan.pull:
            return
        said = await asyncio.to_thread(self._host.bring, plan.pull)
        after = await asyncio.to_thread(self._host.look)
        for change in plan.pull:
            if after.get(change.path) == change.old:
                continue  # it was not done, and is said or tried again
            done.brought += 1
            if there.get(change.path) == change.new:  # not what was put beside
                _note(memory.agreed, change.path, change.new)
        for path in plan.beside:
            name = os.fsdecode(path)
            done.notes.append(f"{name} changed here and in the box: the box's is beside it.")
        for sentence in said:
            self._tell(done, sentence)
        if plan.refused:
            named = ", ".join(os.fsdecode(path) for path in plan.refused[:_NAMED])
            self._tell(done, f"What git runs or obeys is not taken from the box: {named}.")

    async def _send(self, box: Box, plan: Plan, memory: Memory, done: Carried) -> None:
        gone = [c.path for c in reversed(plan.push) if c.old is not None and _goes(c)]
        if gone:
            await _run(box, listing.remove(), listing.names(gone), doing="remove files there")
            for path in gone:
                _note(memory.agreed, path, None)
            done.sent += len(gone)
        new = [(c.path, c.new) for c in plan.push if c.new is not None]
        sized = await asyncio.to_thread(self._with_contents, new)
        for load in _loads(sized):
            items = [(path, item, self._host.changed(path)) for path, item, _ in load]
            content = {item.id: data for _, item, data in load}
            await _run(
                box, listing.put(), listing.pack(items, content), doing="send files to the box"
            )
            for path, item, changed in items:
                _note(memory.agreed, path, item)
                self._expected[path] = (item, changed)
            done.sent += len(items)

    def _with_contents(
        self, new: Sequence[tuple[bytes, Item]]
    ) -> list[tuple[tuple[bytes, Item, bytes], int]]:
        found = []
        for path, item in new:
            data = b"" if item.is_folder else self._host.content(item.id)
            found.append(((path, item, data), len(data)))
        return found

    def _tell(self, done: Carried, sentence: str) -> None:
        """Once a sentence, not with every action."""
        if sentence not in self._told:
            self._told.add(sentence)
            done.notes.append(sentence)


def _goes(change: Change) -> bool:
    """Whether what is there has to be taken away first."""
    if change.new is None or change.old is None:
        return True
    return stat.S_IFMT(change.new.mode) != stat.S_IFMT(change.old.mode)


def _note(manifest: Manifest, path: bytes, item: Item | None) -> None:
    if item is None:
        manifest.pop(path, None)
    else:
        manifest[path] = item


def _loads(sized: Sequence[tuple[T, int]]) -> Iterator[list[T]]:
    """In their order, in pieces of a bounded size."""
    load: list[T] = []
    weight = 0
    for item, size in sized:
        if load and weight + size > _LOAD:
            yield load
            load, weight = [], 0
        load.append(item)
        weight += size + 1024
    if load:
        yield load


async def _run(
    box: Box, argv: Sequence[str], stdin: bytes = b"", *, doing: str, limit: int = 4_000_000
) -> ExecResult:
    """Run one of listing's programs. Raises SandboxError with what it said."""
    result = await box.exec(argv, stdin=stdin, limit=limit)
    if result.truncated:
        raise SandboxError(f"Could not {doing}: there is too much.")
    if result.status != 0:
        lines = result.stderr.decode("utf-8", "replace").strip().splitlines()
        said = "".join(c for c in (lines or ["?"])[-1] if c.isprintable())[:200].rstrip(".")
        raise SandboxError(f"Could not {doing}: {said}.")
    return result
