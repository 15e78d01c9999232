"""The file tools in a real box: links resolve there, writes land only on what was shown."""

import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from pocketcoder_tui.core.actions import Action, Execution, Preview, ToolCall
from pocketcoder_tui.core.ids import new_id
from pocketcoder_tui.core.model import UNREADABLE
from pocketcoder_tui.engine.tools import FILE_TOOLS
from pocketcoder_tui.engine.tools.base import complaint_of
from pocketcoder_tui.engine.tools.boxscript import CLAIMED, recall, run_claimed
from pocketcoder_tui.engine.tools.edit import WriteArguments, diff_lines
from pocketcoder_tui.sandbox.box import DockerBox

pytestmark = pytest.mark.docker


async def shown(box: DockerBox, tool: str, **arguments: object) -> tuple[Action, object]:
    """Propose: the action with its base, and the preview."""
    made = FILE_TOOLS[tool]
    assert made.complaint(arguments) == ""
    sketch = await made.sketch(arguments, box)
    call = ToolCall(new_id(), tool, arguments)
    action = Action(new_id(), "s", "t", "r", call, "/workspace", box.id, sketch.base)
    return action, sketch.preview


async def done(box: DockerBox, tool: str, **arguments: object) -> Execution:
    """Propose and perform."""
    action, _ = await shown(box, tool, **arguments)
    return await FILE_TOOLS[tool].perform(action, box)


async def test_write_then_read(box: DockerBox, workspace: Path) -> None:
    text = "eins\n\tzwei\r\n'\"`$(x)\\ \u202e 🎉\nno newline"
    written = await done(box, "write_file", path="deep/er/a b.txt", content=text)
    assert written.error == ""
    path = workspace / "deep/er/a b.txt"
    assert path.read_bytes() == text.encode()
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    read = await done(box, "read_file", path="deep/er/a b.txt")
    assert read.output == text
    assert os.listdir(path.parent) == ["a b.txt"]


async def test_a_write_keeps_the_mode(box: DockerBox, workspace: Path) -> None:
    script = workspace / "run.sh"
    script.write_text("echo 1\n")
    script.chmod(0o755)
    await done(box, "write_file", path="run.sh", content="echo 2\n")
    assert script.read_text() == "echo 2\n"
    assert stat.S_IMODE(script.stat().st_mode) == 0o755


async def test_the_diff_is_what_is_written(box: DockerBox, workspace: Path) -> None:
    (workspace / "a.py").write_text("one\ntwo\nthree\n")
    action, preview = await shown(box, "edit_file", path="a.py", old_text="two", new_text="2\n2b")
    assert (preview.added, preview.removed) == (2, 1)
    assert preview.text.split("\n") == ["@@ -1,3 +1,4 @@", " one", "-two", "+2", "+2b", " three"]
    assert (workspace / "a.py").read_text() == "one\ntwo\nthree\n"
    await FILE_TOOLS["edit_file"].perform(action, box)
    assert (workspace / "a.py").read_text() == "one\n2\n2b\nthree\n"


@pytest.mark.parametrize("tool", ["edit_file", "write_file"])
async def test_nothing_is_written_onto_a_file_that_changed(
    box: DockerBox, workspace: Path, tool: str
) -> None:
    (workspace / "a").write_text("one\n")
    arguments = {
        "edit_file": {"path": "a", "old_text": "one", "new_text": "two"},
        "write_file": {"path": "a", "content": "two"},
    }[tool]
    action, _ = await shown(box, tool, **arguments)
    (workspace / "a").write_text("one\nmore\n")
    result = await FILE_TOOLS[tool].perform(action, box)
    assert "changed since it was shown" in result.error
    assert (workspace / "a").read_text() == "one\nmore\n"


async def test_nothing_is_written_through_a_link_that_moved(
    box: DockerBox, workspace: Path
) -> None:
    (workspace / "a").write_text("same")
    (workspace / "b").write_text("same")
    (workspace / "link").symlink_to("a")
    action, preview = await shown(box, "write_file", path="link", content="new")
    assert any("/workspace/a" in note for note in preview.notes)
    (workspace / "link").unlink()
    (workspace / "link").symlink_to("b")
    result = await FILE_TOOLS["write_file"].perform(action, box)
    assert result.error
    assert (workspace / "b").read_text() == "same"


async def test_a_link_out_of_the_workspace_stays_in_the_box(
    box: DockerBox, workspace: Path, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("the host's own")
    (workspace / "out").symlink_to(secret)
    read = await done(box, "read_file", path="out")
    assert "no such file" in read.error
    _, preview = await shown(box, "write_file", path="out", content="mine")
    assert any("outside the workspace" in note for note in preview.notes)
    await done(box, "write_file", path="out", content="mine")
    assert secret.read_text() == "the host's own"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"path": "a", "old_text": "nope", "new_text": "x"}, "not in the file"),
        ({"path": "a", "old_text": "e", "new_text": "x"}, "occurs 2 times"),
        ({"path": "missing", "old_text": "e", "new_text": "x"}, "no such file"),
        ({"path": "folder", "old_text": "e", "new_text": "x"}, "not a regular file"),
        ({"path": "binary", "old_text": "e", "new_text": "x"}, "no text"),
    ],
)
async def test_an_edit_that_does_not_fit_says_so_before_and_after(
    box: DockerBox, workspace: Path, arguments: dict[str, str], words: str
) -> None:
    (workspace / "a").write_text("e e\n")
    (workspace / "folder").mkdir()
    (workspace / "binary").write_bytes(b"\xff\xfe\x00e")
    action, preview = await shown(box, "edit_file", **arguments)
    assert any(words in note for note in preview.notes)
    result = await FILE_TOOLS["edit_file"].perform(action, box)
    assert words in result.error


async def test_several_edits_are_all_done_or_none(box: DockerBox, workspace: Path) -> None:
    file = workspace / "a.py"
    file.write_text("one\ntwo\nthree\n")
    more = [{"old_text": "1\n", "new_text": "1\n1.5\n"}, {"old_text": "three", "new_text": "3"}]
    edits = {"path": "a.py", "old_text": "one", "new_text": "1", "more_edits": more}
    ended = await done(box, "edit_file", **edits)
    assert ended.error == ""
    assert file.read_text() == "1\n1.5\ntwo\n3\n"
    edits = {"path": "a.py", "old_text": "two", "new_text": "2", "more_edits": more}
    ended = await done(box, "edit_file", **edits)
    assert "of edit 3 is not in the file" in ended.error
    assert file.read_text() == "1\n1.5\ntwo\n3\n"


async def test_an_edit_that_does_not_fit_tells_the_nearest_lines(
    box: DockerBox, workspace: Path
) -> None:
    (workspace / "a.py").write_text("def f():\n\treturn 1\n")
    wanted = {"path": "a.py", "old_text": "def f():\n    return 1", "new_text": "x"}
    action, preview = await shown(box, "edit_file", **wanted)
    near = "It differs in white space only, at lines 1 to 2:\ndef f():\n\treturn 1"
    assert isinstance(preview, Preview)
    assert preview.text == near
    ended = await FILE_TOOLS["edit_file"].perform(action, box)
    assert ended.error == f"The text to replace is not in the file; it would fail.\n{near}"


async def test_replace_all(box: DockerBox, workspace: Path) -> None:
    (workspace / "a").write_text("x x x")
    arguments = {"path": "a", "old_text": "x", "new_text": "xx", "replace_all": True}
    await done(box, "edit_file", **arguments)
    assert (workspace / "a").read_text() == "xx xx xx"


async def test_read_by_lines_and_what_cannot_be_read(box: DockerBox, workspace: Path) -> None:
    (workspace / "many").write_text("".join(f"line {n}\n" for n in range(1, 5001)))
    read = await done(box, "read_file", path="many", start_line=10, line_count=2)
    assert read.output == "line 10\nline 11\n"
    assert read.data["total_lines"] == 5000
    (workspace / "-n").write_text("dash\n")
    assert (await done(box, "read_file", path="-n")).output == "dash\n"
    (workspace / "bin").write_bytes(b"\0\1\2")
    assert "binary" in (await done(box, "read_file", path="bin")).error
    assert "list_files" in (await done(box, "read_file", path=".")).error
    assert "no such" in (await done(box, "read_file", path="$(touch pwned)")).error
    assert not (workspace / "pwned").exists()


async def test_list(box: DockerBox, workspace: Path) -> None:
    (workspace / ".git").mkdir()
    (workspace / ".git/inside").write_text("")
    (workspace / "d").mkdir()
    (workspace / "d/two\nlines").write_text("abc")
    (workspace / "link").symlink_to("d")
    listed = await done(box, "list_files")
    assert listed.output.split("\n") == [
        ".git/",
        "d/",
        r'"d/two\nlines"  (3 bytes)',
        "link  (link or special file)",
    ]
    assert "not a folder" in (await done(box, "list_files", path="d/two\nlines")).error


async def test_search(box: DockerBox, workspace: Path) -> None:
    (workspace / "a.py").write_text("alpha\nbeta\n")
    (workspace / "b.txt").write_text("beta\n")
    found = await done(box, "search_files", pattern="^beta$")
    assert found.output == "./a.py:2:beta\n./b.txt:1:beta\n"
    found = await done(box, "search_files", pattern="beta", glob="*.py")
    assert found.output == "./a.py:2:beta\n"
    found = await done(box, "search_files", pattern="--version")
    assert (found.output, found.error) == ("(no match)", "")
    assert (await done(box, "search_files", pattern="(")).error


async def test_an_action_is_done_once(box: DockerBox, workspace: Path) -> None:
    action, _ = await shown(box, "write_file", path="a", content="first")
    await FILE_TOOLS["write_file"].perform(action, box)
    (workspace / "a").unlink()
    again = await FILE_TOOLS["write_file"].perform(action, box)
    assert again.status == CLAIMED
    assert not (workspace / "a").exists()


async def test_what_became_of_it_can_be_asked(box: DockerBox, workspace: Path) -> None:
    (workspace / "a").write_text("hello\n")
    action, _ = await shown(box, "read_file", path="a")
    first = await FILE_TOOLS["read_file"].perform(action, box)
    memory = await recall(box, action.id)
    assert memory.result is not None
    assert FILE_TOOLS["read_file"].finish(action, memory.result) == first
    never = replace(action, id=new_id())
    assert (await recall(box, never.id)).started is False
    late = await run_claimed(box, never.id, "echo too late")
    assert late.status == CLAIMED
    cut = new_id()
    await run_claimed(box, cut, "kill -9 $$")
    memory = await recall(box, cut)
    assert memory.started
    assert memory.result is None


@pytest.mark.parametrize(
    ("old", "new", "lines"),
    [
        ("", "a\n", ["@@ -0,0 +1 @@", "+a"]),
        ("a", "a\n", ["@@ -1 +1 @@", "-a", "\\ no newline at the end", "+a"]),
        ("a\r\n", "a\n", ["@@ -1 +1 @@", "-a\r", "+a"]),
        ("a\n", "", ["@@ -1 +0,0 @@", "-a"]),
        ("a\x85b\n", "a\x85c\n", ["@@ -1 +1 @@", "-a\x85b", "+a\x85c"]),
    ],
)
def test_diff(old: str, new: str, lines: list[str]) -> None:
    assert diff_lines(old, new) == lines


def test_arguments_that_were_no_json_are_named_as_such() -> None:
    told = complaint_of({UNREADABLE: '{"path": '}, WriteArguments)
    assert told == "The arguments are no JSON object. Write the whole call again."
