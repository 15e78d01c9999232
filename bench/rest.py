"""The real program at rest, the SDK loaded and its box ready: memory, CPU, and bytes written.

Run: uv run python -m bench.rest   (needs what `pocketcoder setup` brings)
"""

import asyncio
import contextlib
import os
import sys
import tempfile
from pathlib import Path

from pocketcoder_tui.sandbox.image import image_tag
from tests.e2e.program import Home, ask
from tests.support.gemini_server import GeminiServer, finish, text

SECONDS = 10
MEMORY_LIMIT = 110.0
"""MiB of resident memory."""
CPU_LIMIT = 1.0
"""Percent of one core."""


def facts(pid: int) -> tuple[float, float, int]:
    """Resident MiB, CPU seconds and bytes handed to write(2) so far (proc(5))."""
    status = Path(f"/proc/{pid}/status").read_text()
    resident = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    cpu = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    written = Path(f"/proc/{pid}/io").read_text().split("wchar: ")[1].split()[0]
    return int(resident.split()[1]) / 1024, cpu, int(written)


async def rest(seconds: float) -> None:
    """Let time pass; it is what is measured here."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await asyncio.Event().wait()


async def measure(folder: Path) -> int:
    """Ask once, so that the SDK is in use, then watch. Returns 1 when a limit is missed."""
    async with GeminiServer([[text("At rest."), finish()]]) as server:
        home = Home(folder, server)
        try:
            async with home.started() as shown:
                await ask(shown, "rest")
                await shown.until("At rest.")
                [pid] = shown.programs
                await rest(SECONDS / 2)
                _, cpu, written = facts(pid)
                await rest(SECONDS)
                resident, later, more = facts(pid)
        finally:
            await home.remove_box(image_tag())
    percent, rate = (later - cpu) / SECONDS * 100, (more - written) / SECONDS
    print(f"{os.cpu_count()} cores; {SECONDS} s at rest, one answer shown, box ready\n")
    print(f"resident memory   {resident:8.1f} MiB   at most {MEMORY_LIMIT:g}")
    print(f"CPU               {percent:8.2f} %     under {CPU_LIMIT:g}")
    print(f"bytes written     {rate:8.1f} /s    0")
    return 0 if resident <= MEMORY_LIMIT and percent < CPU_LIMIT and rate == 0 else 1


def main() -> int:
    """Measure in a home folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(measure(Path(folder)))


if __name__ == "__main__":
    sys.exit(main())
