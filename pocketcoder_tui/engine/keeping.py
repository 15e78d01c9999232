"""The keeper of checkpoints in a process of its own.

A walk over ten thousand files is 50 ms of Python, which in a thread would take turns with the
screen and the command's output; a process takes another processor. It is started with the first
request, reads requests from its input and ends with it. The interpreter is isolated (-I) and begins
in /, because its folder could else be a workspace, whose modules it must never import.
"""

import contextlib
import logging
import os
import pickle
import subprocess
import sys
import traceback
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from pocketcoder_tui.core.checkpoints import Checkpoint, Difference, Restored, UndoPlan
from pocketcoder_tui.core.errors import CheckpointError, PocketCoderError
from pocketcoder_tui.core.holding import Hold, Placed
from pocketcoder_tui.sandbox.checkpoints import CheckpointKeeper, Limits, Stopped

__all__ = ["KeeperProcess", "Keeping"]

log = logging.getLogger(__name__)

ENDED = "The program that keeps checkpoints ended."
DEFECT = "The program that keeps checkpoints made an error of its own; the log has the details."
_WALKS = frozenset({"look", "take", "since", "sweep", "plan", "prune"})
"""What may be cut short: a crash at any point of it leaves the store whole."""
_BEGIN = """
import sys
sys.path.insert(0, sys.argv[1])
from pocketcoder_tui.engine.keeping import main
main()
"""
_PATIENCE = 10.0
"""Seconds that the process may take to end."""


@dataclass(frozen=True, slots=True)
class Keeping:
    """What is kept, where, and within which limits."""

    workspace: Path
    folder: Path
    limits: Limits
    days: int

    def keeper(self) -> CheckpointKeeper:
        """The keeper itself, for this process."""
        from pocketcoder_tui.gatekeeper.manifests import harmless
        from pocketcoder_tui.gatekeeper.paths import guarded

        return CheckpointKeeper(
            self.workspace,
            self.folder,
            self.limits,
            days=self.days,
            guarded=guarded,
            harmless=harmless,
        )


class KeeperProcess:
    """Implements checkpoints.Keeper by asking the process, which it owns; one thread at a time."""

    def __init__(self, keeping: Keeping) -> None:
        self._keeping = keeping
        self._process: subprocess.Popen[bytes] | None = None
        self._doing = ""
        self.crowded = False
        """See Keeper."""

    def look(self) -> str:
        """See Keeper."""
        return str(self._ask("look"))

    def take(self, label: str, *, action_id: str = "", session_id: str = "") -> Checkpoint:
        """See Keeper."""
        made: Checkpoint = self._ask("take", label, action_id=action_id, session_id=session_id)
        return made

    def since(self, tree: str) -> tuple[str, Difference]:
        """See Keeper."""
        found: tuple[str, Difference] = self._ask("since", tree)
        return found

    def strays(self, since: str = "") -> Sequence[str]:
        """See Keeper."""
        found: Sequence[str] = self._ask("strays", since)
        return found

    def accept(self) -> None:
        """See Keeper."""
        self._ask("accept")

    def hold(
        self, covered: Iterable[str] = (), *, onto: str = "", action_id: str = ""
    ) -> Hold | None:
        """See Keeper."""
        named = tuple(covered)
        found: Hold | None = self._ask("hold", named, onto=onto, action_id=action_id)
        return found

    def put_back(self, tree: str) -> Placed:
        """See Keeper."""
        placed: Placed = self._ask("put_back", tree)
        return placed

    def place(self, tree: str) -> Placed:
        """See Keeper."""
        placed: Placed = self._ask("place", tree)
        return placed

    def sweep(self) -> Sequence[str]:
        """See Keeper."""
        found: Sequence[str] = self._ask("sweep")
        return found

    def entries(self) -> Sequence[Checkpoint]:
        """See Keeper."""
        found: Sequence[Checkpoint] = self._ask("entries")
        return found

    def plan(self, number: int = 0) -> UndoPlan:
        """See Keeper."""
        plan: UndoPlan = self._ask("plan", number)
        return plan

    def restore(self, plan: UndoPlan) -> Restored:
        """See Keeper."""
        restored: Restored = self._ask("restore", plan)
        return restored

    def settled(self) -> None:
        """See Keeper."""
        self._ask("settled")

    def unfinished(self) -> tuple[int, int] | None:
        """See Keeper; no process is started for it."""
        return self._keeping.keeper().unfinished()

    def prune(self, *, forget: Iterable[str] = ()) -> int:
        """See Keeper."""
        return int(self._ask("prune", forget=tuple(forget)))

    def save(self) -> None:
        """See Keeper."""
        self._ask("save")

    def halt(self) -> None:
        """See Keeper. An undo that was begun is not cut short."""
        if self._process is not None and self._doing in _WALKS:
            self._process.kill()

    def close(self) -> None:
        """See Keeper."""
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(OSError):
            if process.stdin is not None:
                process.stdin.close()
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()

    def _ask(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Have something done there; raises what it raised there, or CheckpointError."""
        self._doing = name
        try:
            process = self._process or self._start()
            assert process.stdin is not None  # both are pipes
            assert process.stdout is not None
            _send(process.stdin, (name, args, kwargs))
            how, value, self.crowded = pickle.load(process.stdout)
        except (EOFError, OSError, pickle.UnpicklingError) as error:
            self.close()
            raise CheckpointError(ENDED, hint="It is started again when needed.") from error
        finally:
            self._doing = ""
        if how == "defect":
            log.error("in the keeper of checkpoints\n%s", value)
            raise CheckpointError(DEFECT)
        if how == "raised":
            raise value
        return value

    def _start(self) -> subprocess.Popen[bytes]:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-c", _BEGIN, str(Path(__file__).parents[2])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )
        assert self._process.stdin is not None  # a pipe
        _send(self._process.stdin, self._keeping)
        return self._process


def _send(pipe: BinaryIO | Any, what: object) -> None:
    pickle.dump(what, pipe)
    pipe.flush()


def _serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Do what is asked, one after the other, until nobody asks any more."""
    keeping: Keeping = pickle.load(requests)
    with keeping.keeper() as keeper:
        while True:
            try:
                name, args, kwargs = pickle.load(requests)
            except EOFError:
                return
            _send(answers, _done(keeper, name, args, kwargs))


def _done(
    keeper: CheckpointKeeper, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[str, object, bool]:
    try:
        return "done", getattr(keeper, name)(*args, **kwargs), keeper.crowded
    except (PocketCoderError, Stopped) as error:
        return "raised", error, keeper.crowded
    except Exception:  # boundary: the top of the process
        log.exception("in the keeper of checkpoints")
        return "defect", traceback.format_exc(), keeper.crowded


def main() -> None:
    """Answer over what was the standard output; whatever prints goes nowhere."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    with contextlib.suppress(BrokenPipeError):
        _serve(sys.stdin.buffer, answers)
