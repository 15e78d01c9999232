"""The empty conversation teaches: three things to try, and the four keys that matter."""

from textual.content import Content
from textual.widgets import Static

from pocketcoder_tui.ui.actions import action, key_name

Piece = str | tuple[str, str]
_TRY = (
    "What is in this folder? Summarise it for me.",
    "Run the tests and explain the first failure.",
    "Write a script that counts the words of every text file here.",
)
_KEYS = ("approvals", "attach", "back", "help")


_TOUR: tuple[Piece, ...] = (
    ("The tour is on. ", "bold $warning"),
    "Send any message, for example “show me”, and a scripted model begins. It needs no key; "
    "the box and the approvals are real.\n\n",
)


class Welcome(Static):
    """Shown until something was said."""

    def __init__(self) -> None:
        super().__init__(_words(tour=False), id="welcome", markup=False)
        self._tour = False

    @property
    def tour(self) -> bool:
        """True while the scripted model would answer."""
        return self._tour

    @tour.setter
    def tour(self, on: bool) -> None:
        if on != self._tour:
            self._tour = on
            self.update(_words(tour=on))


def _words(*, tour: bool) -> Content:
    """What an empty conversation says: how to begin, what to try, which keys matter."""
    keys = [
        part
        for id_ in _KEYS
        for part in (
            ("\n    " + f"{key_name(action(id_).key):<6}", "bold $primary"),
            action(id_).description,
        )
    ]
    tries: list[Piece] = [("\n    " + line, "") for line in _TRY]
    begin = _TOUR if tour else (("Things to try", "$text-muted"), *tries, "\n\n")
    return Content.assemble(
        ("The agent works in a box. ", "bold"),
        "Nothing runs that you did not allow.\n\n",
        *begin,
        ("Keys", "$text-muted"), *keys,
    )  # fmt: skip
