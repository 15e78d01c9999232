"""Work of the screen that may fail: it runs in workers, and every failure becomes a sentence."""

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from textual.screen import Screen
from textual.timer import Timer
from textual.worker import Worker

from pocketcoder_tui.core.errors import KeyMissing, PocketCoderError
from pocketcoder_tui.ui.kit import Kit
from pocketcoder_tui.ui.link import LOG, OWN_FAULT, Link, MakeWorkbench, sentence_of
from pocketcoder_tui.ui.notice import Notice

if TYPE_CHECKING:  # loaded with the panes, after the first frame
    from pocketcoder_tui.ui.panes import Panes

SAID_FOR = 10
"""Seconds for which a sentence stays."""
NO_KEY = "There is no model key yet: F3 shows how to enter one, or to take the tour without."


async def guarded(work: Coroutine[Any, Any, None], say: Callable[[str, str], None]) -> None:
    """Await ``work``; its failure becomes a safe sentence, in a style."""
    try:
        await work
    except KeyMissing:
        say(f"{NO_KEY} Your text is kept.", "$warning")
    except PocketCoderError as error:
        say(sentence_of(error), "$error")
    except Exception:  # noqa: BLE001 - boundary: the top of a worker
        LOG.exception("in a worker of the screen")
        say(OWN_FAULT, "$error")


class GuardedScreen(Screen[None]):
    """Owns the link to the workbench, and says on the screen what went wrong with it."""

    def __init__(self, make: MakeWorkbench, kit: Kit) -> None:
        super().__init__()
        self.kit = kit
        self.link = Link(make, self.changed, kit.clock.wall)
        self._panes: Panes | None = None
        self._unsay: Timer | None = None

    def changed(self) -> None:
        """Something happened: draw soon."""
        raise NotImplementedError

    @property
    def panes(self) -> "Panes":
        """The panes. Raises RuntimeError before they are put up."""
        if self._panes is None:
            raise RuntimeError("the panes are not up yet")
        return self._panes

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Until the panes are up, no key reaches for them."""
        return self._panes is not None

    def run_safely(
        self, work: Coroutine[Any, Any, None], group: str, *, exclusive: bool = False
    ) -> Worker[None]:
        """Run a coroutine of the workbench; its failure becomes a sentence on the screen."""
        return self.run_worker(
            guarded(work, self.say), group=group, exclusive=exclusive, exit_on_error=True
        )

    def say(self, sentence: str, style: str = "$warning") -> None:
        """Show a safe sentence above the composer for a while."""
        self.query_one(Notice).put(sentence, style)
        if self._unsay is not None:
            self._unsay.stop()
        self._unsay = self.set_timer(SAID_FOR, self.query_one(Notice).clear)
