"""A question of the agent's to the person: it waits where everything waits, and runs nothing.

The answer is the comment that the person allows it with (history.py gives it to the model).
"""

from typing import Any

from pydantic import Field

from pocketcoder_tui.core.actions import Action, Ended, Execution, Json
from pocketcoder_tui.engine.tools.base import Arguments, spec_of
from pocketcoder_tui.engine.tools.companions import Companion, Scene
from pocketcoder_tui.gatekeeper.toolset import ASK, MOST_CHOICES

LONGEST = 120
"""Characters of one choice."""


class AskArguments(Arguments):
    """What ask_person is asked."""

    question: str = Field(min_length=1, max_length=2_000, description="The question, in full.")
    choices: list[str] = Field(
        default_factory=list,
        max_length=MOST_CHOICES,
        description="Answers to choose from, short; the person can always write another one.",
    )


class AskPerson(Companion):
    """Asks the person."""

    spec = spec_of(
        ASK,
        "Ask the person something that you cannot find out yourself and that changes what you do "
        "next: what they want, which of several ways. Their answer is comment_of_the_person in the "
        "result; when the call is denied they do not want to answer. Do not ask for permission to "
        "use a tool: its own call does that.",
        AskArguments,
    )
    arguments = AskArguments
    verb = "ask"

    def complaint(self, arguments: Json) -> str:
        """See TerminalTool."""
        wrong = super().complaint(arguments)
        if wrong:
            return wrong
        asked = AskArguments.model_validate(dict(arguments))
        if not asked.question.strip():
            return "There is no question."
        bad = next((c for c in asked.choices if not c.strip() or len(c) > LONGEST), None)
        if bad is not None or any("\n" in choice for choice in asked.choices):
            return f"A choice is one line of 1 to {LONGEST} characters."
        return "" if len(set(asked.choices)) == len(asked.choices) else "Two choices are the same."

    def words(self, arguments: dict[str, Any]) -> tuple[str, str]:
        """See Companion."""
        asked = AskArguments.model_validate(arguments)
        first, _, rest = asked.question.strip().partition("\n")
        numbered = [f"{n}  {choice}" for n, choice in enumerate(asked.choices, 1)]
        text = "\n".join([asked.question.strip(), *([""] if numbered else []), *numbered])
        return first + (" …" if rest else ""), text

    async def perform(self, action: Action, scene: Scene) -> Execution:
        """See TerminalTool: the answer came with the decision."""
        return Execution(action.id, Ended.FINISHED, 0, "")
