"""Docker's SDK blocks, the event loop must not: its calls and its streams run on threads here."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import closing, suppress
from typing import Any, ParamSpec, TypeVar, cast

import docker

from pocketcoder_tui.sandbox.engine import connect, is_cut_off
from pocketcoder_tui.sandbox.faults import translated

__all__ = ["Engine"]

P = ParamSpec("P")
T = TypeVar("T")


class Engine:
    """A connection to the Docker engine. Owns the SDK's client.

    Each call has a daemon thread of its own (0.1 ms, against milliseconds for any call), because
    a pool's threads are waited for when the program ends, and a cancelled build may take long.
    """

    def __init__(self) -> None:
        self._api: docker.APIClient | None = None
        self._opening: asyncio.Lock = asyncio.Lock()

    async def __aenter__(self) -> "Engine":
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.aclose()

    async def api(self) -> docker.APIClient:
        """The SDK's client, connected at the first need, and anew when its way there was cut.

        Raises EngineMissing, EngineStopped, EngineForbidden or SandboxError.
        """
        async with self._opening:
            if self._api is not None and is_cut_off(self._api):
                self._api.close()
                self._api = None
            if self._api is None:
                self._api = await self.run(connect)
            return self._api

    async def plain(self) -> bool:
        """True when the connection is a plain socket, False for TLS."""
        return not (await self.api()).base_url.startswith("https")

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run something that blocks on a thread. What it raises is raised here."""
        return await self._start(lambda: work(*args, **kwargs))

    async def call(self, doing: str, method: str, *args: Any, **kwargs: Any) -> Any:
        """Call one of the SDK client's methods by name; ``doing`` completes "Could not".

        Raises SandboxError and its subclasses.
        """
        api = await self.api()

        def work() -> Any:
            with translated(doing):
                return getattr(api, method)(*args, **kwargs)

        return await self.run(work)

    async def lines(
        self, doing: str, start: Callable[[docker.APIClient], Generator[Any, None, None]]
    ) -> AsyncIterator[Any]:
        """Yield what a streaming call yields, in order.

        Closing the iterator ends the call with its next item, which also tells the engine to stop.
        Raises SandboxError and its subclasses.
        """
        api = await self.api()
        loop = asyncio.get_running_loop()
        items: asyncio.Queue[tuple[Any] | None] = asyncio.Queue()
        stopped = False

        def pump() -> None:
            with translated(doing):
                try:
                    with closing(start(api)) as source:
                        for item in source:
                            if stopped:
                                break
                            _post(loop, items.put_nowait, (item,))
                finally:
                    _post(loop, items.put_nowait, None)

        pumping = self._start(pump)
        try:
            while (item := await items.get()) is not None:
                yield item[0]
            await pumping
        finally:
            stopped = True

    async def aclose(self) -> None:
        """Close the connection. Calls that are under way end by themselves."""
        api, self._api = self._api, None
        if api is not None:
            api.close()

    def _start(self, work: Callable[[], T]) -> "asyncio.Future[T]":
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()

        def settle(error: BaseException | None, result: T | None) -> None:
            if done.cancelled():
                return
            if error is not None:
                done.set_exception(error)
                # Nobody may be waiting any more; that is no reason for a warning at the end.
                done.exception()
            else:
                done.set_result(cast(T, result))

        def serve() -> None:
            try:
                result = work()
            except BaseException as error:  # noqa: BLE001 - carried over to whoever waits
                _post(loop, settle, error, None)
            else:
                _post(loop, settle, None, result)

        threading.Thread(target=serve, name="docker-call", daemon=True).start()
        return done


def _post(loop: asyncio.AbstractEventLoop, call: Callable[..., object], *args: Any) -> None:
    """Hand something to the loop from a thread; a loop that has ended needs it no more."""
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(call, *args)
