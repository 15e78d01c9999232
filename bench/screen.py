"""What the screen costs: first paint against a bare Textual app, and bytes and CPU at rest.

Each app runs in its own process on a real pseudo-terminal of 120×36. First paint is the time from
the start of the process to the first drawing (the first byte after the alternate screen is entered
that belongs to a frame). Run: python bench/screen.py [ROUNDS]
"""

import fcntl
import os
import pty
import select
import signal
import statistics
import struct
import sys
import termios
import time
from dataclasses import dataclass

REST_SECONDS = 5.0
"""How long the app is watched once it rests."""
SETTLE_SECONDS = 1.5
"""Silence after which an app is taken to rest."""

BARE = """
from textual.app import App
from textual.widgets import Footer, Header, Input
class Bare(App):
    def compose(self):
        yield Header()
        yield Input(placeholder="bare")
        yield Footer()
    def on_mount(self):
        self.query_one(Input).cursor_blink = False
Bare().run()
"""
OURS = """
import sys
sys.path.insert(0, {root!r})
from pocketcoder_tui.ui import run_app
async def make():
    from tests.ui.bench import ScriptedWorkbench
    return ScriptedWorkbench()
run_app(make)
"""


@dataclass(frozen=True, slots=True)
class Sample:
    """One run of one app."""

    first_paint: float
    """Seconds."""
    bytes_per_second: float
    """At rest."""
    cpu_percent: float
    """At rest."""


def measure(program: str) -> Sample:
    """Run a program on a pseudo-terminal, watch it draw and rest, then end it with SIGTERM."""
    began = time.monotonic()
    pid, fd = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm-256color", COLORTERM="truecolor")
        os.execv(sys.executable, [sys.executable, "-c", program])
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 36, 120, 0, 0))
    try:
        painted = _first_paint(fd, began)
        while select.select([fd], [], [], SETTLE_SECONDS)[0]:
            os.read(fd, 1 << 16)
        cpu = _cpu_seconds(pid)
        written, end = 0, time.monotonic() + REST_SECONDS
        while (left := end - time.monotonic()) > 0:
            if select.select([fd], [], [], left)[0]:
                written += len(os.read(fd, 1 << 16))
        busy = _cpu_seconds(pid) - cpu
        return Sample(painted, written / REST_SECONDS, 100 * busy / REST_SECONDS)
    finally:
        os.kill(pid, signal.SIGTERM)
        _drain(fd)
        os.waitpid(pid, 0)
        os.close(fd)


def _first_paint(fd: int, began: float) -> float:
    """Seconds until the first frame has come; the terminal answers that it knows sync mode."""
    seen = b""
    answered = False
    while True:
        seen += os.read(fd, 1 << 16)
        if not answered and b"\x1b[?2026$p" in seen:
            os.write(fd, b"\x1b[?2026;2$y")
            answered = True
        if len(seen) > 2_000:  # more than all mode switches together: cells were drawn
            return time.monotonic() - began


def _drain(fd: int) -> None:
    try:
        while select.select([fd], [], [], 2)[0] and os.read(fd, 1 << 16):
            pass
    except OSError:  # the other side has closed
        return


def _cpu_seconds(pid: int) -> float:
    """User and system time of a process (proc(5), fields 14 and 15)."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main(rounds: int) -> None:
    """Measure both in turns, so that both meet the same machine, and print a table."""
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    programs = {"bare Textual": BARE, "PocketCoder": OURS.format(root=root)}
    samples: dict[str, list[Sample]] = {name: [] for name in programs}
    for _ in range(rounds):
        for name, program in programs.items():
            samples[name].append(measure(program))
    bare = statistics.median(s.first_paint for s in samples["bare Textual"])
    print("| app | first paint, median | ratio | bytes/s at rest | CPU at rest |")
    print("|---|---|---|---|---|")
    for name, runs in samples.items():
        paint = statistics.median(s.first_paint for s in runs)
        written = max(s.bytes_per_second for s in runs)
        cpu = statistics.median(s.cpu_percent for s in runs)
        print(f"| {name} | {paint:.3f} s | {paint / bare:.2f} | {written:.0f} | {cpu:.1f} % |")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
