"""What a tool is: strict arguments, a faithful sketch for the person, and its act in the box."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, ValidationError

from pocketcoder_tui.core.actions import Action, Execution, Json, Preview
from pocketcoder_tui.core.model import UNREADABLE, ToolSpec
from pocketcoder_tui.core.ports import Box, ExecResult

WORKSPACE = "/workspace"
"""Where the person's folder is mounted in the box."""


class Arguments(BaseModel):
    """Base of every tool's arguments: exact types, nothing unknown."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class Sketch:
    """What the person is shown before deciding, and what it was computed from."""

    preview: Preview
    base: str = ""
    """Binds the decision to the content that was shown; see Action.base."""


class Tool(Protocol):
    """One tool of the model's."""

    spec: ToolSpec

    def complaint(self, arguments: Json) -> str:
        """Say what is wrong with the arguments in one sentence; empty when nothing is."""

    async def sketch(self, arguments: Json, box: Box) -> Sketch:
        """Describe what would happen. May look into the box for the person; the model learns
        nothing of it."""


class FileTool(Tool, Protocol):
    """A tool that acts beside the terminal, through a program of its own in the box."""

    async def perform(self, action: Action, box: Box) -> Execution:
        """Do it, once: the box refuses a second claim of the action's id."""

    def finish(self, action: Action, result: ExecResult) -> Execution:
        """Turn what its program printed into an execution, now or after a crash."""


def spec_of(name: str, description: str, arguments: type[Arguments]) -> ToolSpec:
    """Declare a tool by its argument class."""
    schema = arguments.model_json_schema()
    kinds = schema.get("$defs", {})
    properties = {k: _plain(v, kinds) for k, v in schema.get("properties", {}).items()}
    parameters: Mapping[str, Any] = {
        "type": "object",
        "properties": properties,
        "required": schema.get("required", []),
    }
    return ToolSpec(name, description, parameters)


def _plain(schema: Mapping[str, Any], kinds: Mapping[str, Any]) -> dict[str, Any]:
    """A part of a schema without titles and references, which not every service reads."""
    if "$ref" in schema:
        schema = kinds[schema["$ref"].rpartition("/")[2]]
    plain: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "properties":
            plain[key] = {name: _plain(inner, kinds) for name, inner in value.items()}
        elif key == "items":
            plain[key] = _plain(value, kinds)
        elif key not in ("title", "additionalProperties") and not (
            key == "description" and "properties" in schema
        ):
            plain[key] = value
    return plain


def complaint_of(arguments: Json, kind: type[Arguments]) -> str:
    """Check arguments against their class; returns one sentence, or an empty string."""
    if UNREADABLE in arguments:
        return "The arguments are no JSON object. Write the whole call again."
    if bad := unfit_text(arguments):
        return bad
    try:
        kind.model_validate(dict(arguments))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(p) for p in first["loc"]) or "arguments"
        return f"The argument {where} is wrong: {first['msg']}."
    return ""


def unfit_text(value: object) -> str:
    """Say so when a text holds what no file name or command can: NUL or a lone surrogate."""
    match value:
        case str():
            if "\0" in value:
                return "An argument holds a NUL character, which no command or path can."
            if any("\ud800" <= c <= "\udfff" for c in value):
                return "An argument holds half a character (a lone surrogate)."
        case Mapping():
            return next((b for k, v in value.items() if (b := unfit_text(k) or unfit_text(v))), "")
        case list() | tuple():
            return next((b for v in value if (b := unfit_text(v))), "")
        case _:
            pass
    return ""
