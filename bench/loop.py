"""The loop around the model: what streaming costs, what a long history costs, how fast Esc ends it.

    uv run python -m bench.loop [RUNS]

Streaming: a server in a process of its own sends 1,000 chunks of text; CPU of this process until
the turn has ended, every piece in the ledger, against the same SDK that only reads the same stream.
History: 1,000 turns, a tenth of them with an action, folded into a request body, against writing
that body as JSON once. Esc: a reply that has begun and never ends, from `stop` until the server saw
the connection go; and the same from the key in a real terminal, tmux's own time included. Exits
with 1 when 95 of 100 stops do not stay under 100 ms.
"""

import asyncio
import contextlib
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, cast

from google import genai

from bench.long import a_turn
from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.ids import new_id
from pocketcoder_tui.engine.history import History
from pocketcoder_tui.reasoning import GeminiModel
from pocketcoder_tui.reasoning.contents import to_contents
from pocketcoder_tui.sandbox.image import image_tag
from tests.e2e.program import Home, ask
from tests.engine.fakes import ScriptedModel
from tests.engine.rig import running
from tests.support.gemini_server import KEY, GeminiServer, finish, text

CHUNKS, TURNS = 1_000, 1_000
STOPS, PRESSES = 100, 40
LIMIT = 0.1
"""Seconds from Esc to a stopped stream, for 95 of 100."""
NAME = "gemini-3.8-flash"


@contextlib.asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[str]:
    """The address of a server process that answers everything with the same chunks."""
    script = folder / "script.json"
    words = [text(f"word {n} of an answer that goes on ") for n in range(CHUNKS)]
    script.write_text(json.dumps([[*words, finish()]]))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.gemini_server", "--script", str(script),
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        port = int(await process.stdout.readline())
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()


async def read_alone(url: str) -> float:
    """CPU seconds in which the SDK alone reads the chunks."""
    client = genai.Client(api_key=KEY, http_options={"base_url": url})
    began, seen = time.process_time(), 0
    stream = await client.aio.models.generate_content_stream(model=NAME, contents="go")
    async for _ in stream:
        seen += 1
    assert seen == CHUNKS + 1
    return time.process_time() - began


def gemini(url: str) -> ScriptedModel:
    """The real adapter, where the rig takes a scripted one."""
    return cast(ScriptedModel, GeminiModel(api_key=KEY, name=NAME, base_url=url))


async def a_whole_turn(url: str, folder: Path) -> float:
    """CPU seconds of a turn in which the chunks are recorded and shown to a listener."""
    async with running(folder, gemini(url)) as rig:
        began = time.process_time()
        await rig.session.send("go")
        await rig.rest()
        took = time.process_time() - began
        assert sum(isinstance(e, ev.PartGrew) for e in rig.events) == CHUNKS
    return took


async def streaming(runs: int) -> tuple[list[float], list[float]]:
    """CPU seconds of whole turns and of the SDK alone, in turns; the first of each warms up."""
    ours, floor = [], []
    with tempfile.TemporaryDirectory() as name:
        async with serving(Path(name)) as url:
            for n in range(runs + 1):
                folder = Path(name) / str(n)
                folder.mkdir()
                floor.append(await read_alone(url))
                ours.append(await a_whole_turn(url, folder))
    return ours[1:], floor[1:]


def a_history() -> list[ev.Durable]:
    """The events of 1,000 turns."""
    session, draw = new_id(), random.Random(1)
    return [e for n in range(TURNS) for e in a_turn(session, n, draw, acts=n % 10 == 0)]


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of work, the best of nine, and its result."""
    best, result = float("inf"), None
    for _ in range(9):
        began = time.perf_counter()
        result = work()
        best = min(best, time.perf_counter() - began)
    return best, result


async def stops(runs: int) -> list[float]:
    """Seconds from ``Session.stop`` until the server saw the connection go."""
    took = []
    with tempfile.TemporaryDirectory() as name:
        for n in range(runs):
            folder = Path(name) / str(n)
            folder.mkdir()
            async with (
                GeminiServer([[text("It begins"), {"do": "stall"}]]) as server,
                running(folder, gemini(server.base_url)) as rig,
            ):
                await rig.session.send("go")
                await rig.until(lambda: any(isinstance(e, ev.PartGrew) for e in rig.events))
                began = time.perf_counter()
                await rig.session.stop()
                await server.gone.wait()
                took.append(time.perf_counter() - began)
    return took


async def presses(runs: int) -> list[float]:
    """Seconds from the Escape key in a real terminal until the server saw the connection go."""
    took = []
    with tempfile.TemporaryDirectory() as name:
        async with GeminiServer() as server:
            home = Home(Path(name), server)
            try:
                async with home.started() as shown:
                    for n in range(runs):
                        server.script = [[text(f"It begins {n}."), {"do": "stall"}]]
                        server.gone.clear()
                        await ask(shown, f"go {n}")
                        await shown.until(f"It begins {n}.")
                        began = time.perf_counter()
                        shown.press("Escape")
                        await server.gone.wait()
                        took.append(time.perf_counter() - began)
                        await shown.until("You stopped the turn.")
            finally:
                await home.remove_box(image_tag())
    return took


def p95(values: list[float]) -> float:
    """The value that 95 of 100 stay under."""
    return sorted(values)[max(0, round(len(values) * 0.95) - 1)]


def main(runs: int) -> int:
    """Measure and print the tables; the exit status."""
    ours, floor = asyncio.run(streaming(runs))
    ratio = statistics.median(ours) / statistics.median(floor)
    print(f"{os.cpu_count()} cores; {runs} runs of {CHUNKS} chunks\n")
    print("| CPU for each 1,000 chunks, ms | median | least | over the SDK alone |")
    print("|---|---:|---:|---:|")
    for what, seen, own in (
        ("a turn, each piece recorded", ours, f"{ratio:.2f}"),
        ("the SDK that reads them", floor, "1"),
    ):
        print(f"| {what} | {statistics.median(seen) * 1e3:.0f} | {min(seen) * 1e3:.0f} | {own} |")
    events = a_history()
    history = History()
    fold, _ = timed(lambda: [History().feed(event) for event in events])
    for event in events:
        history.feed(event)
    build, body = timed(lambda: to_contents(history.whole()))
    write, data = timed(lambda: json.dumps(body))
    print(f"\nA history of {TURNS} turns, {len(data) / 1e6:.2f} MB of request, ms:")
    print(f"events folded {fold * 1e3:.1f}, request built {build * 1e3:.1f} ", end="")
    print(f"({build / write:.2f} of writing it as JSON once, {write * 1e3:.1f})")
    late = []
    for what, took in (
        ("stop to a closed stream", asyncio.run(stops(STOPS))),
        ("Esc in a terminal to a closed stream", asyncio.run(presses(PRESSES))),
    ):
        late.append(p95(took) > LIMIT)
        middle = statistics.median(took) * 1e3
        print(f"\n{what}: median {middle:.1f} ms, p95 {p95(took) * 1e3:.1f}", end="")
        print(f", highest {max(took) * 1e3:.1f} ({len(took)} times)")
    return 1 if any(late) else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 9))
