"""The system instruction: a file of the package, and what is true of this session after it."""

from collections.abc import Iterable
from importlib import resources

from pocketcoder_tui.core.model import ToolSpec

__all__ = ["system_prompt"]

_MODES = {
    "ask": "every call waits for the person's decision, but for what a rule of theirs decides",
    "contained": "what stays in the box runs at once; what may cross its boundary waits for the "
    "person's decision",
    "plan": "only tools that look may be used; every other call is denied at once. Look, then say "
    "what you would do",
}

_ASKS = (
    "the box has none of its own. A program that honours `http_proxy` and `https_proxy` asks the "
    "person for each host it wants, and waits for the answer; only HTTP and HTTPS go, to public "
    "names. Say why before you start something that needs a host, and when one is denied, go on "
    "without it."
)
_OFF = "none. Do not try downloads or package installs; say what is missing instead."


def system_prompt(
    *, workspace_name: str, mode: str, tools: Iterable[ToolSpec], network: bool = False
) -> str:
    """Return the instruction for a session.

    What changes comes last: the service caches requests by their unchanged beginning.
    ``network``: programs in the box can ask the person for a host. ``workspace_name`` is the
    folder's name; it is untrusted and folded into one line.
    """
    text = resources.files("pocketcoder_tui.reasoning").joinpath("prompts/system.md")
    name = " ".join(workspace_name.split()).replace("`", "'")
    facts = (
        f"- Tools: {', '.join(f'`{tool.name}`' for tool in tools) or 'none'}.",
        f"- Workspace: `{name}`, at `/workspace`.",
        f"- Mode: {mode}" + (f", {_MODES[mode]}." if mode in _MODES else "."),
        f"- Network: {_ASKS if network else _OFF}",
    )
    return text.read_text(encoding="utf-8") + "\n## This session\n\n" + "\n".join(facts) + "\n"
