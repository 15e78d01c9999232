"""What README.md, docs/events.md and `.env.example` take from the code. Run it to write it."""

import re
from collections.abc import Iterable
from pathlib import Path

from pocketcoder_tui.cli.arguments import COMMANDS
from pocketcoder_tui.config.settings import Settings, env_example, variable
from pocketcoder_tui.ui.actions import ACTIONS, keys_of
from tests.cli import event_tables

ROOT = Path(__file__).parents[2]
GROUPS = ("everywhere", "approvals")
"""The keys that the README shows; F1 has the rest."""


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Return a Markdown table."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(cell or " " for cell in row) + " |" for row in lines)


def parts() -> dict[str, str]:
    """Return the made parts of the README by their name."""
    fields = Settings.model_fields.items()
    return {
        "commands": table(
            ("command", "what it does"),
            ((f"`pocketcoder {name}`", what) for name, what in COMMANDS.items()),
        ),
        "keys": table(
            ("where", "key", "what it does"),
            (
                (a.group, keys_of(a).replace("|", "\\|"), f"{a.description}. {a.tooltip}")
                for a in ACTIONS
                if a.group in GROUPS and a.key
            ),
        ),
        "settings": table(
            ("variable", "default", "what it does"),
            (
                (f"`{variable(name)}`", _default(field.default), field.description or "")
                for name, field in fields
            ),
        ),
    }


def filled(readme: str) -> str:
    """Return the README with its made parts as they should be. Raises KeyError for a lost mark."""
    for name, text in parts().items():
        mark = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        if not mark.search(readme):
            raise KeyError(name)
        readme = mark.sub(lambda found, text=text: f"{found[1]}{text}\n{found[2]}", readme)
    return readme


def _default(value: object) -> str:
    shown = str(value).lower() if isinstance(value, bool) else str(value)
    return f"`{shown}`" if value not in (None, "") else ""


if __name__ == "__main__":
    page = ROOT / "README.md"
    page.write_text(filled(page.read_text()))
    (ROOT / ".env.example").write_text(env_example())
    event_tables.PAGE.write_text(event_tables.page())
