"""What becomes of what the person writes: sent in order, changed or taken back while it waits."""

from typing import TYPE_CHECKING, NamedTuple

from pocketcoder_tui.core.actions import ActionState
from pocketcoder_tui.core.errors import TransitionRefused
from pocketcoder_tui.core.transcript import Deed, Said
from pocketcoder_tui.ui.composer import Composer, Draft
from pocketcoder_tui.ui.reviewing import ReviewingScreen

if TYPE_CHECKING:  # loaded with the panes, after the first frame
    from pocketcoder_tui.ui.conversation import Story

CHANGING = "You change a message that waits. Enter keeps your text, Esc leaves it as it was."
TAKEN = "The model has that message as it was. What you write now is another message."
AGAIN = "Your change is not kept yet: Enter keeps it, Esc once more leaves the message as it was."
TAKEN_BACK = "Taken back: the agent does not get that message."
STILL_RUNS = "Stopped. A command still runs: ^G leads to the terminal, where ^C interrupts it."


class Letter(NamedTuple):
    """A text on its way, and the waiting message whose place it takes, if it does."""

    text: str
    instead_of: str


class WritingScreen(ReviewingScreen):
    """Owns what was written and is not recorded yet."""

    _outbox: tuple[Letter, ...] = ()

    @property
    def composer(self) -> Composer:
        """Where the person writes."""
        return self.query_one(Composer)

    # --- sending

    def on_draft_sent(self, event: Draft.Sent) -> None:
        """Send what was written, in the order in which it was written."""
        idle = not self._outbox
        self._outbox = (*self._outbox, Letter(event.text, self.composer.finish()))
        if idle:
            self.run_safely(self._send(), "send")

    async def _send(self) -> None:
        """Empty the outbox; what cannot be sent goes back to where it was written."""
        try:
            while self._outbox:
                await self._send_one(self._outbox[0])
                self._outbox = self._outbox[1:]
                self.panes.conversation.story.anchor()
        finally:
            unsent, self._outbox = self._outbox, ()
            if unsent:
                self.composer.give_back([letter.text for letter in unsent])

    async def _send_one(self, letter: Letter) -> None:
        if letter.instead_of:
            await self.link.workbench.queue.edit(letter.instead_of, letter.text)
        else:
            await self.link.send(letter.text)

    # --- what waits

    def on_draft_recall_asked(self) -> None:
        """Change the last message that waits."""
        queued = self.link.transcript.queued
        if queued:
            self._change(queued[-1])

    def on_story_change_asked(self, event: "Story.ChangeAsked") -> None:
        """Change the marked message."""
        self._change(event.said)

    def _change(self, said: Said) -> None:
        if self.composer.changing == said.id or not said.queued:
            return
        self.composer.change(said.id, said.text)
        self.go_to_draft()
        self.say(CHANGING, "$primary")

    def on_story_withdraw_asked(self, event: "Story.WithdrawAsked") -> None:
        """Take the marked message back."""
        self.run_safely(self._withdraw(event.said), "withdraw")

    async def _withdraw(self, said: Said) -> None:
        try:
            await self.link.workbench.queue.withdraw(said.id)
        except TransitionRefused:
            self.changed()
            raise
        self.say(TAKEN_BACK, "$primary")

    def follow_changing(self) -> None:
        """What is being changed may have gone to the model, or was taken back."""
        changing = self.composer.changing
        said = self.link.transcript.entries.get(changing)
        if changing and not (isinstance(said, Said) and said.queued):
            self.composer.finish()
            self.say(TAKEN)

    def leave_change(self) -> bool:
        """Leave the message that is being changed as it was; a changed text takes a second Esc."""
        if not self.composer.changing or not self.composer.draft.has_focus:
            return False
        if not self.composer.leave():
            self.say(AGAIN)
        return True

    # --- stopping

    async def stop_turn(self) -> None:
        """End the reply and the turn; a command that runs is the person's to interrupt."""
        await self.link.workbench.stop()
        deeds = (e for e in self.link.transcript.entries.values() if isinstance(e, Deed))
        if any(deed.state is ActionState.DISPATCHED for deed in deeds):
            self.say(STILL_RUNS)
