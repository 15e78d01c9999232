"""The agent's plan: a list of steps that it keeps, shown to the person. It runs nothing."""

from enum import StrEnum
from typing import Any

from pydantic import Field

from pocketcoder_tui.core.actions import Action, Ended, Execution, Json
from pocketcoder_tui.engine.tools.base import Arguments, spec_of
from pocketcoder_tui.engine.tools.companions import Companion, Scene
from pocketcoder_tui.gatekeeper.toolset import PLAN

MOST = 40
"""Steps of one plan."""


class Stage(StrEnum):
    """How a step stands."""

    OPEN = "open"
    DOING = "doing"
    DONE = "done"
    DROPPED = "dropped"


SIGNS = {Stage.OPEN: "[ ]", Stage.DOING: "[>]", Stage.DONE: "[x]", Stage.DROPPED: "[-]"}


class Step(Arguments):
    """One step."""

    text: str = Field(min_length=1, max_length=300, description="What is to be done, one line.")
    stage: str = Field(
        default=Stage.OPEN.value,
        pattern="^(open|doing|done|dropped)$",
        description="open, doing, done or dropped.",
    )


class PlanArguments(Arguments):
    """What plan is asked."""

    steps: list[Step] = Field(min_length=1, max_length=MOST, description="The whole plan, anew.")


class Plan(Companion):
    """Keeps the plan."""

    spec = spec_of(
        PLAN,
        "Keep a list of the steps of your work, which the person sees. Give the whole list each "
        "time: at the beginning of work that takes several steps, and whenever a step begins, is "
        "done or is dropped. One step at a time is doing.",
        PlanArguments,
    )
    arguments = PlanArguments
    verb = "plan"

    def complaint(self, arguments: Json) -> str:
        """See TerminalTool."""
        wrong = super().complaint(arguments)
        if not wrong:
            steps = PlanArguments.model_validate(dict(arguments)).steps
            if sum(step.stage == Stage.DOING for step in steps) > 1:
                return "More than one step is doing. Do one after the other."
        return wrong

    def words(self, arguments: dict[str, Any]) -> tuple[str, str]:
        """See Companion: how far it is, and every step."""
        steps = PlanArguments.model_validate(arguments).steps
        done = sum(step.stage == Stage.DONE for step in steps)
        now = next((f": {_flat(step)}" for step in steps if step.stage == Stage.DOING), "")
        return f"{done} of {len(steps)} done{now}", "\n".join(map(_line, steps))

    async def perform(self, action: Action, scene: Scene) -> Execution:
        """See TerminalTool: the call itself is what is kept."""
        return Execution(action.id, Ended.FINISHED, 0, "The person sees it.")


def _line(step: Step) -> str:
    return f"{SIGNS[Stage(step.stage)]} {_flat(step)}"


def _flat(step: Step) -> str:
    return " ".join(step.text.split())
