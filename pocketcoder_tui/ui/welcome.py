"""The empty conversation teaches: three things to try, and the four keys that matter."""

from textual.content import Content
from textual.widgets import Static

from pocketcoder_tui.ui.actions import action, key_name

_TRY = (
    "What is in this folder? Summarise it for me.",
    "Run the tests and explain the first failure.",
    "Write a script that counts the words of every text file here.",
)
_KEYS = ("approvals", "attach", "back", "help")


class Welcome(Static):
    """Shown until something was said."""

    def __init__(self) -> None:
        keys = [
            part
            for id_ in _KEYS
            for part in (
                ("\n    " + f"{key_name(action(id_).key):<6}", "bold $primary"),
                action(id_).description,
            )
        ]
        tries = [("\n    " + line, "") for line in _TRY]
        super().__init__(
            Content.assemble(
                ("The agent works in a box. ", "bold"),
                "Nothing runs that you did not allow.\n\n",
                ("Things to try", "$text-muted"), *tries, "\n\n",
                ("Keys", "$text-muted"), *keys,
            ),
            id="welcome",
            markup=False,
        )  # fmt: skip
