"""How a session works: what it is given beside its ledger, box and model."""

from collections.abc import Callable
from dataclasses import dataclass, field

from pocketcoder_tui.core.masking import Masker
from pocketcoder_tui.engine.answering import Control, Respond
from pocketcoder_tui.engine.keepers import Keeper
from pocketcoder_tui.engine.keykeeper import MakeDoor
from pocketcoder_tui.engine.limits import Bounds
from pocketcoder_tui.engine.network import OpenGateway
from pocketcoder_tui.engine.outputs import Outputs
from pocketcoder_tui.engine.trials import Copies

__all__ = ["Terms"]


@dataclass(frozen=True, slots=True)
class Terms:
    """How commands are carried out, and what is kept of them."""

    masker: Masker
    outputs: Outputs
    command_limit: float
    """Seconds after which the model is told that a command still runs."""
    output_days: int = 0
    """Days for which output is kept; 0 keeps it for ever."""
    checkpoints: Keeper | None = None
    """What keeps the workspace; None when that is switched off."""
    copies: Copies | None = None
    """What makes throw-away copies; None when nothing can be tried."""
    serve: Callable[[Respond], Control] | None = None
    """What lets the person's other programs ask; None when nobody may."""
    output_limit: int = 40_000
    """Characters of an output that the model gets."""
    door: MakeDoor | None = None
    """What makes the way in over SSH; None when it is off."""
    open_gateway: OpenGateway | None = None
    """What opens the box's way out; None while the network is switched off."""
    context_tokens: int = 0
    """Tokens that a request may have before old output is sent shortened; 0 for no limit."""
    price: Callable[[str], str] = lambda name: ""
    """What is known of a model's price, in words."""
    bounds: Bounds = field(default_factory=Bounds)
    """How far the agent goes without a question."""
