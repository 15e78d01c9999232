"""What a command may try against the box: it ends, it is told, and the next one runs."""

from pathlib import Path

import pytest

from pocketcoder_tui.core.actions import ActionState
from tests.support.attacks import ATTACKS, NOTHING, Outcome, attacked, output

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]

ENDED = {ActionState.FINISHED, ActionState.UNKNOWN}


def require_back(outcome: Outcome) -> None:
    """The attack has an end with a sentence or a status, and the box works."""
    assert outcome.state in ENDED
    assert outcome.status is not None or outcome.error
    assert outcome.next_output.endswith("still here\n"), outcome


@pytest.mark.parametrize("name", ATTACKS)
async def test_the_box_is_back_and_the_attack_has_an_end(
    tmp_path: Path, sandbox_image: str, name: str
) -> None:
    require_back(await attacked(tmp_path, sandbox_image, ATTACKS[name]))


async def test_much_output_ends_too_and_is_bounded(tmp_path: Path, sandbox_image: str) -> None:
    outcome = await attacked(tmp_path, sandbox_image, output(20))
    require_back(outcome)
    assert (outcome.state, outcome.status) == (ActionState.FINISHED, 0)


async def test_the_heart_beats_while_nothing_happens(tmp_path: Path, sandbox_image: str) -> None:
    outcome = await attacked(tmp_path, sandbox_image, NOTHING)
    require_back(outcome)
    assert 0 < outcome.stretch < 5
