"""A local HTTP server that speaks Gemini's wire format, for the real SDK to talk to.

In a test: ``async with GeminiServer([[text("hi"), finish()]]) as server`` gives ``server.base_url``
and ``server.requests``. As a process: ``python -m tests.support.gemini_server --script FILE.json
--requests FILE.jsonl`` prints its port on the first line.

A script is a list of replies, used in order, the last one again when they run out (an empty script
answers "ok"). A reply is

- a list of chunks (dictionaries in wire form), sent as server-sent events; a chunk may also be
  ``{"do": "stall"}`` (send nothing until the client goes away), ``{"do": "cut"}`` (close the
  connection), ``{"do": "raw", "text": …}`` (write this event text as it is) or
  ``{"do": "wait", "event": NAME}`` (go on when ``server.event(NAME)`` is set);
- ``{"status": 429, "json": …}``, ``{"status": 503, "html": …}``, both with optional "headers";
- ``{"do": "close"}`` (close before any answer) or ``{"do": "stall"}``;
- in a test also a function of the request's body that returns any of these, which then answers
  every request from there on.
"""

import argparse
import asyncio
import json
import sys
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

Chunk = dict[str, Any]
Reply = Sequence[Chunk] | Mapping[str, Any]
Responder = Callable[[dict[str, Any]], Reply]
KEY = "test-key-0123456789abcdef"

BAD_KEY = {
    "error": {
        "code": 400,
        "message": "API key not valid. Please pass a valid API key.",
        "status": "INVALID_ARGUMENT",
        "details": [
            {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
        ],
    }
}


def part(raw: Chunk) -> Chunk:
    """A chunk that holds one part."""
    return {"candidates": [{"content": {"parts": [raw], "role": "model"}, "index": 0}]}


def text(words: str, *, signature: str | None = None) -> Chunk:
    """A chunk of text."""
    return part({"text": words} | _signed(signature))


def thought(words: str) -> Chunk:
    """A chunk of thought summary."""
    return part({"text": words, "thought": True})


def call(
    name: str, args: Mapping[str, Any], id: str | None = None, signature: str | None = None
) -> Chunk:
    """A chunk with one function call."""
    body: Chunk = {"name": name, "args": dict(args)} | ({} if id is None else {"id": id})
    return part({"functionCall": body} | _signed(signature))


def finish(reason: str = "STOP", message: str | None = None) -> Chunk:
    """The chunk that ends a reply."""
    candidate: Chunk = {"finishReason": reason, "index": 0}
    return {"candidates": [candidate | ({} if message is None else {"finishMessage": message})]}


def usage(prompt: int, output: int, *, thoughts: int = 0, cached: int = 0) -> Chunk:
    """A chunk with the running totals."""
    counts = {
        "promptTokenCount": prompt,
        "candidatesTokenCount": output,
        "thoughtsTokenCount": thoughts,
        "cachedContentTokenCount": cached,
        "totalTokenCount": prompt + output + thoughts,
    }
    return {"usageMetadata": counts}


def quota(*, delay: str | None = "34.4s", quota_id: str = "RequestsPerMinute") -> Chunk:
    """A 429 as the service writes it."""
    details: list[Chunk] = [
        {
            "@type": "type.googleapis.com/google.rpc.QuotaFailure",
            "violations": [{"quotaId": quota_id}],
        }
    ]
    if delay is not None:
        info = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}
        details.append(info)
    error = {"code": 429, "message": "Quota exceeded.", "status": "RESOURCE_EXHAUSTED"}
    return {"status": 429, "json": {"error": error | {"details": details}}}


def results_of(body: Mapping[str, Any]) -> list[Chunk]:
    """The function responses in the last content of a request."""
    contents = body.get("contents") or [{}]
    parts = contents[-1].get("parts") or []
    found = (p.get("functionResponse") or p.get("function_response") for p in parts)
    return [response for response in found if response]


def _signed(signature: str | None) -> Chunk:
    return {} if signature is None else {"thoughtSignature": signature}


class GeminiServer:
    """Owns the listening socket and its connections. Servers of other wires override the words."""

    streams = ":streamGenerateContent"
    """How the path of a streamed call ends."""
    bad_key: Mapping[str, Any] = {"status": 400, "json": BAD_KEY}
    plain: Reply = ()
    """What an empty script answers."""
    last_event = ""
    """Sent at the end of every stream that was not cut."""

    def key_of(self, headers: Mapping[str, str], query: Mapping[str, str]) -> str | None:
        """The key that a request carries."""
        return headers.get("x-goog-api-key") or query.get("key")

    def listed(self) -> Mapping[str, Any]:
        """The answer to a question for the models."""
        names = [{"name": f"models/{m}", "displayName": m} for m in self._models]
        return {"status": 200, "json": {"models": names}}

    def frame(self, chunk: Chunk) -> str:
        """A chunk as a server-sent event."""
        return f"data: {json.dumps(chunk)}\r\n\r\n"

    def __init__(
        self,
        script: Sequence[Reply | Responder] = (),
        *,
        key: str = KEY,
        models: Sequence[str] = ("gemini-3.8-flash",),
        compress: bool = False,
        on_request: Callable[[dict[str, Any]], None] | None = None,
    ) -> None:
        self.requests: list[dict[str, Any]] = []
        """The JSON body of every generate request that had the right key, in order."""
        self.seen: list[dict[str, Any]] = []
        """Method, path, query and headers of every request."""
        self.connections = 0
        """How many were opened so far."""
        self.gone = asyncio.Event()
        """Set when a client went away during a stall or a wait."""
        self.stalled = asyncio.Event()
        """Set when a reply has reached a stall or a wait."""
        self.script = list(script)
        self._key = key
        self._models = models
        self._compress = compress
        self._on_request = on_request
        self._events: dict[str, asyncio.Event] = {}
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        """The port that it listens on."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def base_url(self) -> str:
        """The address for the client."""
        return f"http://127.0.0.1:{self.port}"

    def event(self, name: str) -> asyncio.Event:
        """The event that a chunk waits for."""
        return self._events.setdefault(name, asyncio.Event())

    async def __aenter__(self) -> "GeminiServer":
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def forever(self) -> None:
        """Serve until cancelled."""
        assert self._server is not None
        await self._server.serve_forever()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            while await self._one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            self.gone.set()
        except asyncio.CancelledError:
            pass  # The server is closing; asyncio's own callback would report it as an error.
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Serve one request; says whether the connection stays open."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = head[0].split(" ", 2)
        headers = {k.lower(): v.strip() for k, _, v in (h.partition(":") for h in head[1:] if h)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        url = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        self.seen.append({"method": method, "path": url.path, "query": query, "headers": headers})
        if self._key and self.key_of(headers, query) != self._key:
            return await _answer(writer, self.bad_key)
        if method == "GET" and url.path.endswith("/models"):
            return await _answer(writer, self.listed())
        streamed = url.path.endswith(self.streams)
        if method != "POST" or not (streamed or url.path.endswith(":generateContent")):
            missing = {"error": {"code": 404, "message": "Not found.", "status": "NOT_FOUND"}}
            return await _answer(writer, {"status": 404, "json": missing})
        request = json.loads(body)
        self.requests.append(request)
        if self._on_request is not None:
            self._on_request(request)
        reply = self._next(request)
        if isinstance(reply, Mapping):
            if reply.get("do") == "stall":
                await self._stall(reader)
            return "do" not in reply and await _answer(writer, reply)
        if not streamed:
            return await _answer(writer, {"status": 200, "json": merged(reply)})
        return await self._stream(reader, writer, reply)

    def _next(self, request: dict[str, Any]) -> Reply:
        if not self.script:
            return self.plain
        stays = len(self.script) == 1 or callable(self.script[0])
        entry = self.script[0] if stays else self.script.pop(0)
        return entry(request) if callable(entry) else entry

    async def _stream(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, chunks: Sequence[Chunk]
    ) -> bool:
        packed = zlib.compressobj(wbits=31) if self._compress else None
        encoding = b"content-encoding: gzip\r\n" if packed else b""
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
            + encoding
            + b"transfer-encoding: chunked\r\n\r\n"
        )
        for chunk in chunks:
            match chunk.get("do"):
                case "cut":
                    return False
                case "stall":
                    await self._stall(reader)
                    return False
                case "wait":
                    await self._wait(chunk["event"], reader)
                    continue
                case "raw":
                    event = chunk["text"]
                case _:
                    event = self.frame(chunk)
            data = event.encode()
            if packed:
                data = packed.compress(data) + packed.flush(zlib.Z_SYNC_FLUSH)
            writer.write(_http_chunk(data))
            await writer.drain()
        last = _http_chunk(packed.flush()) if packed else b""
        if self.last_event and not packed:
            writer.write(_http_chunk(self.last_event.encode()))
        writer.write(last + b"0\r\n\r\n")
        await writer.drain()
        return True

    async def _stall(self, reader: asyncio.StreamReader) -> None:
        """Wait for the client to go away: nothing else can arrive on this connection."""
        self.stalled.set()
        await reader.read(1)
        self.gone.set()

    async def _wait(self, name: str, reader: asyncio.StreamReader) -> None:
        self.stalled.set()
        waits = asyncio.ensure_future(self.event(name).wait())
        leaves = asyncio.ensure_future(reader.read(1))
        try:
            await asyncio.wait({waits, leaves}, return_when=asyncio.FIRST_COMPLETED)
            if leaves.done():
                raise ConnectionResetError
        finally:
            waits.cancel()
            leaves.cancel()
            await asyncio.gather(waits, leaves, return_exceptions=True)


GeminiServer.plain = [text("ok"), finish()]


def merged(chunks: Sequence[Chunk]) -> Chunk:
    """The same reply as one answer, for generateContent."""
    whole: Chunk = {}
    parts: list[Chunk] = []
    candidate: Chunk = {"index": 0}
    for chunk in chunks:
        for piece in chunk.get("candidates") or []:
            parts += (piece.get("content") or {}).get("parts") or []
            candidate |= {k: v for k, v in piece.items() if k != "content"}
        whole |= {k: v for k, v in chunk.items() if k not in {"candidates", "do"}}
    candidate["content"] = {"role": "model", "parts": parts}
    return whole | {"candidates": [candidate]}


def _http_chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


async def _answer(writer: asyncio.StreamWriter, reply: Mapping[str, Any]) -> bool:
    is_page = "html" in reply
    body = (reply["html"] if is_page else json.dumps(reply.get("json"))).encode()
    headers = {"content-type": "text/html" if is_page else "application/json"}
    headers |= reply.get("headers", {}) | {"content-length": str(len(body))}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    writer.write(f"HTTP/1.1 {reply.get('status', 200)} -\r\n{head}\r\n".encode() + body)
    await writer.drain()
    return True


async def _main(arguments: argparse.Namespace, kind: type[GeminiServer]) -> None:
    script = json.loads(arguments.script.read_text()) if arguments.script else []

    def keep(request: dict[str, Any]) -> None:
        if arguments.requests:
            with arguments.requests.open("a") as log:
                log.write(json.dumps(request) + "\n")

    async with kind(script, key=arguments.key, on_request=keep) as server:
        sys.stdout.write(f"{server.port}\n")
        sys.stdout.flush()
        await server.forever()


def main(kind: type[GeminiServer] = GeminiServer) -> None:
    """Run as a process until it is ended by a signal."""
    parser = argparse.ArgumentParser(description="A local server that speaks a model's wire.")
    parser.add_argument("--script", type=Path, help="replies, JSON")
    parser.add_argument("--requests", type=Path, help="request bodies are appended here, JSONL")
    parser.add_argument("--key", default=KEY, help="the key to accept; empty accepts any")
    asyncio.run(_main(parser.parse_args(), kind))


if __name__ == "__main__":
    main()
