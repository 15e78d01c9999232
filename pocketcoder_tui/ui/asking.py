"""One line that asks for words before something is done to a session: a title, a file, a yes."""

import re
from dataclasses import dataclass
from enum import StrEnum

from textual.message import Message
from textual.widgets import Input

CONFIRM = "delete"
"""The word that deletes: several keys in a row that nobody hits by accident."""


class Question(StrEnum):
    """What the line asks for."""

    RENAME = "rename"
    EXPORT = "export"
    DELETE = "delete"


_HINTS = {
    Question.RENAME: "Another title, then Enter   Esc back",
    Question.EXPORT: "A new file, then Enter. Its ending says the form: .html, .md, .jsonl   "
    "Esc back",
    Question.DELETE: f"Its messages, commands and output go for ever. Type {CONFIRM}, then Enter   "
    "Esc back",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What was answered about which session."""

    question: Question
    session_id: str
    text: str


class AskLine(Input):
    """Hidden until something is asked."""

    class Answered(Message):
        """The person answered, or went back, and then there is no answer."""

        def __init__(self, answer: Asked | None, refused: bool = False) -> None:
            super().__init__()
            self.answer = answer
            self.refused = refused
            """True when what was typed is not what was asked for."""

    def __init__(self) -> None:
        super().__init__(id="shelf-line", compact=True, select_on_focus=False)
        self.cursor_blink = False
        self.display = False
        self._question = Question.RENAME
        self._session_id = ""

    @property
    def hint(self) -> str:
        """What to type, and the keys."""
        return _HINTS[self._question]

    def ask(self, question: Question, session_id: str, value: str = "") -> None:
        """Ask about a session; ``value`` stands there to begin with."""
        self._question, self._session_id = question, session_id
        self.placeholder = f"{CONFIRM}?" if question is Question.DELETE else ""
        self.value = value
        self.cursor_position = len(value)
        self.display = True
        self.screen.set_focus(self)

    def cancel(self) -> None:
        """Ask no longer."""
        self._close(None)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter answers; a deletion takes the one word and nothing else."""
        event.stop()
        text = event.value.strip()
        if self._question is Question.DELETE and text != CONFIRM:
            self._close(None, refused=True)
        elif not text:
            self._close(None)
        else:
            self._close(Asked(self._question, self._session_id, text))

    def _close(self, answer: Asked | None, *, refused: bool = False) -> None:
        self.display = False
        self.value = ""
        self.post_message(self.Answered(answer, refused))


def export_question(title: str, session_id: str) -> str:
    """The file that is proposed for an export: the person's home, the title, the id's beginning."""
    words = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:40].strip("-")
    return f"~/{'-'.join(filter(None, ('pocketcoder', words, session_id[:12])))}.html"
