"""Every error that a person may meet, each with its sentence and what to do about it.

PocketCoderError
├── WorkspaceError        the folder cannot be worked in
├── ConfigError           a setting or a configuration file is wrong
├── LedgerError           the database cannot be used
│   ├── LedgerDamaged         its bytes are not those that were written
│   ├── LedgerOwned           another process works with it
│   └── TransitionRefused     a step that the action's life does not allow
├── SandboxError          Docker or the container
│   ├── EngineMissing         not installed
│   ├── EngineStopped         installed, not running
│   ├── EngineForbidden       running, this person may not use it
│   ├── TrialRefused          an action cannot be tried in a copy
│   ├── ImageMissing          the sandbox image was not built
│   └── ContainerGone         it went away while in use
├── CheckpointError       the workspace cannot be kept, or not be brought back
│   └── PlanStale             it changed since the undo was shown
├── RelayError            the terminal inside the box
│   ├── DeliveryRefused       what arrived is not what was approved
│   └── ShellBusy             the prompt is not free
├── WatchingOnly          this process follows another one's session and changes nothing
└── ModelError            the model's service
    ├── KeyMissing
    ├── KeyRefused
    ├── QuotaSpent
    ├── ModelUnknown
    ├── ServiceDown           5xx, overloaded
    ├── NoNetwork             cannot be reached
    └── RequestRefused        any other 4xx
"""


class PocketCoderError(Exception):
    """Base of all; ``str()`` is the sentence, ``hint`` says what to do."""

    hint: str = ""
    """What the person can do, one sentence; empty when there is nothing."""

    def __init__(self, sentence: str, *, hint: str | None = None) -> None:
        super().__init__(sentence)
        if hint is not None:
            self.hint = hint

    @property
    def sentence(self) -> str:
        """What happened, in plain words."""
        return str(self)


class WorkspaceError(PocketCoderError):
    """The folder cannot be worked in."""

    hint = "Start pocketcoder in another folder: pocketcoder PATH."


class ConfigError(PocketCoderError):
    """A setting or a configuration file is wrong."""

    hint = "Correct the setting, then start again."


class LedgerError(PocketCoderError):
    """The database cannot be used."""


class LedgerDamaged(LedgerError):
    """The database, or the audit head beside it, is not as it was left; nothing was changed."""

    hint = (
        "Put a backup back (pocketcoder restore FILE), or save what can be read: "
        "pocketcoder recover."
    )


class LedgerOwned(LedgerError):
    """Another process works with the database; its session can be watched meanwhile."""

    hint = "End the other program, then try again."


class TransitionRefused(LedgerError):
    """A step that the action's life does not allow; it changed nothing."""


class SandboxError(PocketCoderError):
    """Docker or the container cannot be used."""

    hint = "Run: pocketcoder doctor."


class EngineMissing(SandboxError):
    """Docker is not installed."""

    hint = "Run: pocketcoder setup."


class EngineStopped(SandboxError):
    """Docker is installed and does not run."""

    hint = "Run: pocketcoder setup."


class EngineForbidden(SandboxError):
    """Docker runs, and this person may not use it."""

    hint = "Add yourself to the docker group (sudo usermod -aG docker $USER) and log in again."


class ImageMissing(SandboxError):
    """The sandbox image was not built."""

    hint = "Run: pocketcoder setup."


class TrialRefused(SandboxError):
    """An action cannot be tried in a throw-away copy; it waits as before."""

    hint = ""


class ContainerGone(SandboxError):
    """The container went away while it was in use."""

    hint = "It is started again with the next action."


class CheckpointError(PocketCoderError):
    """The workspace cannot be kept, or not be brought back; it was not changed."""


class PlanStale(CheckpointError):
    """The workspace changed since the undo was shown; nothing was done."""

    hint = "Look at the difference again."


class RelayError(PocketCoderError):
    """The terminal inside the box does not answer as it should."""


class DeliveryRefused(RelayError):
    """What arrived in the sandbox is not what was approved; nothing ran."""


class ShellBusy(RelayError):
    """The prompt is not free, so nothing was typed."""


class WatchingOnly(PocketCoderError):
    """This process follows a session that another one works in; nothing was changed."""

    hint = "Do it there. Decisions are also taken by: pocketcoder approvals."


class ModelError(PocketCoderError):
    """The model's service did not answer."""

    hint = "Your message is kept. Send again when you like."
    retry_after: float | None = None
    """Seconds the service asked to wait; None when it said nothing."""
    transient: bool = False
    """True when trying again may help."""


class KeyMissing(ModelError):
    """No key is set."""

    hint = "Enter a key, or take the tour."


class KeyRefused(ModelError):
    """The service did not accept the key."""

    hint = "Check the key, or enter another one: F3 in the workbench shows the checklist."


class QuotaSpent(ModelError):
    """The service's limit for this key is reached."""

    transient = True


class ModelUnknown(ModelError):
    """The service does not know the model."""

    hint = "Choose another model: Alt+M, or the setting POCKETCODER_MODEL."


class ServiceDown(ModelError):
    """The service failed or is overloaded."""

    transient = True


class NoNetwork(ModelError):
    """The service cannot be reached."""

    transient = True
    hint = "Check the network. Your message is kept; send again when it is back."


class RequestRefused(ModelError):
    """The service did not accept the request."""
