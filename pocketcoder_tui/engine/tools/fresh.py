"""A command that a rule allows: its argument list in a process of its own, once.

Beside the agent's shell, which may be prepared (gatekeeper/rules/fresh.py). The id is claimed as a
file tool's is, and the result stays beside the claim in the same way.
"""

from collections.abc import Callable

from pocketcoder_tui.core.actions import Action, Ended, Execution
from pocketcoder_tui.core.errors import TransitionRefused
from pocketcoder_tui.core.ports import Box, ExecResult
from pocketcoder_tui.engine.tools.boxscript import CLAIMED, ROOT, Recall, recall, run_claimed
from pocketcoder_tui.gatekeeper.rules import command_rule, fresh_argv

NOTE = "A rule of the person allowed this: it ran in a fresh process, not in your shell."
NOT_PLAIN = "This is no command that a rule can allow; nothing was sent."
MOST_BYTES = 4
"""Bytes of a character in UTF-8, at most."""

_WORK = r"""
printf %s "$$" >"$here/pid"
most=$1; shift
mkfifo -- "$here/all" "$here/rest" || return 74
tail -c "$most" <"$here/rest" 3>&- >"$here/tail" & last=$!
{
    head -c "$most" >"$here/head"
    tee -- "$here/rest" | wc -c >"$here/count"
} <"$here/all" 3>&- & kept=$!
"$@" </dev/null 3>&- 2>&1 | tee -p -- "$here/all" >&3 3>&-
status=${PIPESTATUS[0]}
wait "$kept" "$last"
cat -- "$here/count" "$here/head" "$here/tail"
rm -f -- "$here/all" "$here/rest" "$here/head" "$here/tail"
return "$status"
"""
_WAIT = r"""
here=$1/$2
[ -f "$here/pid" ] && tail --pid="$(cat -- "$here/pid")" -f /dev/null
exit 0
"""


def argv_of(action: Action) -> tuple[str, ...]:
    """What is run for an action. Raises TransitionRefused when no rule can have allowed it."""
    subject = command_rule(action)
    if subject is None:
        raise TransitionRefused(NOT_PLAIN)
    return fresh_argv(subject.argv, subject.cwd)


async def run_fresh(
    action: Action, box: Box, limit: int, heard: Callable[[bytes], None] | None = None
) -> ExecResult:
    """Run it; of what it prints ``limit`` characters are kept, and all is ``heard`` at once.

    Raises SandboxError.
    """
    most = limit * MOST_BYTES // 2
    return await run_claimed(box, action.id, _WORK, str(most), *argv_of(action), heard=heard)


async def recall_fresh(action: Action, box: Box) -> Recall:
    """What became of it, at its end if it still runs. Raises SandboxError."""
    memory = await recall(box, action.id)
    if not memory.started or memory.result is not None:
        return memory
    await box.exec(["bash", "-c", _WAIT, "pocketcoder", ROOT, action.id])
    return await recall(box, action.id)


def finish_fresh(action: Action, result: ExecResult, limit: int) -> Execution:
    """Turn what came back into an execution; stdout and stderr are one text, as in a terminal."""
    count, _, body = result.stdout.partition(b"\n")
    if not count.strip().isdigit():
        why = result.stderr.decode("utf-8", "replace").strip()
        if result.status == CLAIMED:
            why = "This action was claimed before; it was not done a second time."
        error = f"Nothing ran. {why}".strip()
        return Execution(action.id, Ended.FINISHED, error=error)
    most = limit * MOST_BYTES // 2
    lost = max(int(count) - most, 0)
    if not lost and len(text := body.decode("utf-8", "replace")) <= limit:
        return Execution(action.id, Ended.FINISHED, result.status, text, data={"note": NOTE})
    head = body[:most].decode("utf-8", "replace") if lost else body.decode("utf-8", "replace")
    tail = body[most:].decode("utf-8", "replace") if lost else head
    kept = head[: limit // 2], tail[-(limit // 2) :]
    between = (len(head) + len(tail) if lost else len(head)) + lost - sum(map(len, kept))
    text = f"{kept[0]}\n[… {between} characters left out …]\n{kept[1]}"
    return Execution(action.id, Ended.FINISHED, result.status, text, between, data={"note": NOTE})
