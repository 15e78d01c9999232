"""What goes which way between two copies: they become the same, and nothing new is lost."""

import stat
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pocketcoder_tui.sandbox.checkpoints.difference import Change
from pocketcoder_tui.sandbox.checkpoints.objects import Item
from pocketcoder_tui.sandbox.elsewhere.manifest import (
    Manifest,
    is_git_s_own,
    make_plan,
    parents,
)

FOLDER = Item(0o40755, b"")
LINK = 0o120777


def file(content: bytes, mode: int = 0o100644) -> Item:
    return Item(mode, content)


items = st.one_of(
    st.just(None),
    st.just(FOLDER),
    st.builds(file, st.sampled_from([b"1", b"2", b"3", b"4"])),
    st.builds(file, st.sampled_from([b"1", b"2"]), st.just(LINK)),
)
names = [b"a", b"b", b"a/a", b"a/b", b"b/a", b"a/a/a", b"a/a/b", b"b/a/b"]


@st.composite
def trees(draw: st.DrawFn) -> Manifest:
    """A tree: what is in something is in a folder."""
    found: Manifest = {}
    for name in names:
        item = draw(items)
        if item is not None and all(found.get(folder) == FOLDER for folder in parents(name)):
            found[name] = item
    return found


def applied(tree: Mapping[bytes, Item], changes: list[Change]) -> Manifest:
    """As both sides do it: taken away from the deepest on, a folder only when it is empty."""
    result = dict(tree)
    for change in reversed(changes):
        new = change.new
        goes = new is None or stat.S_IFMT(new.mode) != stat.S_IFMT(
            result.get(change.path, new).mode
        )
        inside = any(other.startswith(change.path + b"/") for other in result)
        if goes and not inside:
            result.pop(change.path, None)
    for change in changes:
        if change.new is None:
            continue
        there = result.get(change.path)
        way = all(result.get(folder, Item(0, b"")).is_folder for folder in parents(change.path))
        if way and (there is None or stat.S_IFMT(there.mode) == stat.S_IFMT(change.new.mode)):
            result[change.path] = change.new
    return result


def contents(tree: Mapping[bytes, Item]) -> set[bytes]:
    return {item.id for item in tree.values() if not item.is_folder}


@settings(max_examples=600, deadline=None)
@given(trees(), trees(), trees())
def test_both_become_the_same_and_nothing_new_is_lost(
    agreed: Manifest, here: Manifest, there: Manifest
) -> None:
    new = {
        side[path].id
        for side in (here, there)
        for path in side
        if not side[path].is_folder and side[path] != agreed.get(path)
    }
    kept_here = {p: item for p, item in here.items() if not item.is_folder}
    changed_here = {p for p in kept_here if kept_here[p] != agreed.get(p)}
    for _ in range(6):
        plan = make_plan(agreed, here, there)
        agreed = plan.agreed
        if plan.empty:
            break
        before_here, before_there = here, there
        here, there = applied(here, plan.pull), applied(there, plan.push)
        for change in plan.pull:
            done = here.get(change.path) == change.new
            if done and before_there.get(change.path) == change.new:
                note(agreed, change.path, change.new)
        for change in plan.push:
            done = there.get(change.path) == change.new
            if done and before_here.get(change.path) == change.new:
                note(agreed, change.path, change.new)
    else:
        raise AssertionError("it does not come to rest")
    assert here == there == agreed
    assert new <= contents(here)
    for path in changed_here:
        assert here[path] == kept_here[path], "what the person wrote stays where it was"


def note(manifest: Manifest, path: bytes, item: Item | None) -> None:
    if item is None:
        manifest.pop(path, None)
    else:
        manifest[path] = item


def test_what_stays_apart_is_touched_on_neither_side() -> None:
    agreed = {b"s": file(b"1")}
    plan = make_plan(agreed, {b"s": file(b"2")}, {b"s": file(b"3")}, apart=lambda path: True)
    assert plan.empty
    assert plan.agreed == agreed


def test_what_is_ours_comes_back_and_is_told() -> None:
    was, evil = file(b"1"), file(b"evil")
    plan = make_plan({b"c": was}, {b"c": was}, {b"c": evil}, ours=lambda path: True)
    assert (plan.pull, plan.push, plan.refused) == ([], [Change(b"c", evil, was)], [b"c"])
    plan = make_plan({}, {}, {b"c": evil}, ours=lambda path: True)
    assert plan.push == [Change(b"c", evil, None)]


def test_a_name_that_is_taken_is_not_overwritten() -> None:
    here = {b"f": file(b"1"), b"f.from-the-box": file(b"mine")}
    plan = make_plan({}, here, {b"f": file(b"2")})
    assert [change.path for change in plan.pull] == [b"f.from-the-box-2"]


@pytest.mark.parametrize(
    ("path", "owned"),
    [
        (b".git", True), (b".git/config", True), (b".git/hooks/post-checkout", True),
        (b".git/hooks", True), (b".git/info/attributes", True), (b".git/config.worktree", True),
        (b".git/modules/a/config", True), (b".git/modules/a/b/hooks/x", True),
        (b".git/worktrees/w/gitdir", True), (b".git/HEAD", False), (b".git/index", False),
        (b".git/refs/heads/config", False), (b".git/objects/aa/hooks", False),
        (b".git/logs/refs/heads/hooks", False), (b"new/.git/config", False),
        (b"src/config", False), (b"hooks/x", False), (b".gitignore", False),
    ],
)  # fmt: skip
def test_what_git_obeys_in_a_repository_that_the_host_has(path: bytes, owned: bool) -> None:
    assert is_git_s_own(lambda repository: repository == b".git")(path) is owned
