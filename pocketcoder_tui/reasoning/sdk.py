"""google-genai, loaded and set up: the only module that imports it, itself imported late.

Importing takes 0.8 s of CPU and 50 MB, so it happens in a thread and after the first frame.
"""

import logging
import warnings
from collections.abc import AsyncGenerator
from typing import Any

import httpx2
import pydantic
from google import genai
from google.genai import errors, types

from pocketcoder_tui.core.errors import ModelError, NoNetwork, RequestRefused, ServiceDown
from pocketcoder_tui.core.ids import new_id
from pocketcoder_tui.core.model import ModelRequest
from pocketcoder_tui.reasoning import contents, faults
from pocketcoder_tui.reasoning.wire import CALL_HEADER, Tap, TappedClient

__all__ = ["FAULTS", "Connection", "explain"]

FAULTS = (
    errors.APIError,
    httpx2.HTTPError,
    httpx2.InvalidURL,
    httpx2.StreamError,
    OSError,
    # UnknownApiResponseError and ValidationError are ValueErrors; the others are what the SDK
    # meets when a chunk has another shape than it expects.
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
)
"""Everything that a call through the SDK was seen to raise."""

# Both write to the terminal unless told otherwise, in the middle of the screen.
warnings.filterwarnings("ignore", module=r"google\.genai")
logging.getLogger("google_genai").addHandler(logging.NullHandler())


class Connection:
    """Owns the HTTP clients to one service with one key."""

    def __init__(self, api_key: str, base_url: str, api_version: str, timeout: float) -> None:
        context = httpx2.create_ssl_context()
        self._http = TappedClient(verify=context, timeout=None)
        self._sync = httpx2.Client(verify=context)
        # The environment can turn the SDK to another service, another HTTP library or aiohttp;
        # what is passed here wins over all of it.
        self._client = genai.Client(
            api_key=api_key,
            vertexai=False,
            http_options=types.HttpOptions(
                base_url=base_url or contents.SERVICE,
                api_version=api_version,
                timeout=max(1, int(timeout * 1000)),
                httpx_client=self._sync,
                httpx_async_client=self._http,
            ),
        )

    async def chunks(
        self, request: ModelRequest, *, thinking_level: str
    ) -> AsyncGenerator[dict[str, Any]]:
        """Ask once and yield each chunk as the service sent it. Raises any of FAULTS."""
        call_id = new_id()
        tap = self._http.tap(call_id)
        try:
            stream = await self._client.aio.models.generate_content_stream(
                model=request.model,
                contents="-",  # Replaced by extra_body: dictionaries cost a tenth of objects.
                config=_config(request, call_id, thinking_level),
            )
            async for _ in stream:
                yield tap.take()
        finally:
            self._http.untap(call_id)
            await _close(tap)

    async def aclose(self) -> None:
        """Close all connections."""
        self._sync.close()
        await self._http.aclose()


def explain(fault: Exception, *, model: str, key: str) -> ModelError:
    """Turn what a call raised into a ModelError, without the key in it."""
    return faults.cleaned(_explain(fault, model), key)


def _explain(fault: Exception, model: str) -> ModelError:
    match fault:
        case errors.APIError():
            headers = getattr(fault.response, "headers", {})
            return faults.refusal(
                fault.code if isinstance(fault.code, int) else 0,
                fault.details,
                model=model,
                retry_header=headers.get("retry-after"),
            )
        case httpx2.UnsupportedProtocol() | httpx2.InvalidURL():
            return faults.bad_address()
        case httpx2.LocalProtocolError():
            return RequestRefused("The request could not be written as HTTP.")
        case httpx2.DecodingError() | pydantic.ValidationError() | errors.UnknownApiResponseError():
            return ServiceDown("The service answered with something that cannot be read.")
        case httpx2.HTTPError() | httpx2.StreamError() | OSError():
            return NoNetwork(_unreached(fault))
    return ServiceDown(f"The service's answer has an unknown form ({type(fault).__name__}).")


def _unreached(fault: Exception) -> str:
    match fault:
        case httpx2.ConnectTimeout() | httpx2.PoolTimeout():
            return "The model's service did not take the connection in time."
        case httpx2.TimeoutException():
            return "The model's service fell silent."
        case httpx2.RemoteProtocolError() | httpx2.ReadError():
            return "The model's service closed the connection before its answer was over."
    return f"The model's service cannot be reached: {faults.one_line(str(fault)) or 'no reason'}"


def _config(request: ModelRequest, call_id: str, level: str) -> types.GenerateContentConfig:
    thinking: dict[str, Any] = {"includeThoughts": True}
    if level.isdigit():
        thinking["thinkingBudget"] = int(level)
    elif level:
        thinking["thinkingLevel"] = level.upper()
    body: dict[str, Any] = {
        "contents": contents.to_contents(request.messages, request.model),
        "generationConfig": {"thinkingConfig": thinking},
    }
    if request.tools:
        body["tools"] = [{"functionDeclarations": contents.declarations(request.tools)}]
    return types.GenerateContentConfig(
        system_instruction=request.system or None,
        store=False,
        automatic_continuation=False,
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
        http_options=types.HttpOptions(headers={CALL_HEADER: call_id}, extra_body=body),
    )


async def _close(tap: Tap) -> None:
    """Closing a connection that broke already says nothing new."""
    try:
        await tap.aclose()
    except (httpx2.HTTPError, OSError):
        return
