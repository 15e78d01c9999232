"""The image that a repository's devcontainer names. The agent can write the file: it is a proposal.

Source: the Development Container specification, "devcontainer.json reference"; the file is JSON
with comments and trailing commas. Only ``image`` is taken; what else would change the box is named.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pocketcoder_tui.core.errors import WorkspaceError
from pocketcoder_tui.sandbox.artifacts import Tree

__all__ = ["Proposal", "proposal_of", "without_comments"]

_PLACES = (b".devcontainer/devcontainer.json", b".devcontainer.json")
_LONGEST = 200_000
_LEFT_OUT = (
    "build", "dockerFile", "dockerComposeFile", "features", "runArgs", "mounts", "containerEnv",
    "remoteEnv", "postCreateCommand", "onCreateCommand", "initializeCommand", "privileged",
    "capAdd", "securityOpt", "workspaceMount", "containerUser", "remoteUser", "forwardPorts",
)  # fmt: skip
_TOKENS = re.compile(
    r'(?P<text>"(?:[^"\\]|\\.)*")|(?P<gone>//[^\n]*|/\*.*?\*/)|(?P<comma>,(?=\s*[}\]]))', re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the repository says."""

    file: str
    image: str
    """Untrusted."""
    left_out: tuple[str, ...]
    """Keys that are there and have no effect here."""


def proposal_of(workspace: Path) -> Proposal:
    """Read it, never through a link. Raises WorkspaceError: there is none, or it names no image."""
    for place, text in _texts(Tree(workspace)):
        try:
            found = json.loads(without_comments(text))
        except (ValueError, RecursionError) as error:
            raise WorkspaceError(f"{place} cannot be read as JSON: {error}.") from error
        if not isinstance(found, dict) or not isinstance(found.get("image"), str):
            raise WorkspaceError(
                f"{place} names no image.",
                hint="A box is made from an image alone: build that one yourself, and name it "
                "with pocketcoder sandbox use IMAGE.",
            )
        return Proposal(place, found["image"], tuple(key for key in _LEFT_OUT if key in found))
    raise WorkspaceError("There is no devcontainer.json in this workspace.")


def without_comments(text: str) -> str:
    """The JSON in a text that may hold comments and commas before a closing bracket."""
    bare = _TOKENS.sub(lambda m: m[0] if m["text"] else " " if m["gone"] else m[0], text)
    return _TOKENS.sub(lambda m: "" if m["comma"] else m[0], bare)


def _texts(tree: Tree) -> Iterator[tuple[str, str]]:
    for place in _PLACES:
        try:
            with tree.opened(place) as file:
                data = b"".join(file.pieces(0, min(file.facts.st_size, _LONGEST)))
        except WorkspaceError:
            continue
        yield place.decode(), data.decode("utf-8", "replace")
