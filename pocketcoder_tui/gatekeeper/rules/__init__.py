"""Remembered answers: what a rule can be about, when it matches, and how it is explained.

The matcher and the offer differ on purpose. A rule that stands in the ledger matches exactly its
own command, whatever the program is; what may become a rule at all is decided once, by ``offer``,
and there shells, interpreters, wrappers and git are refused.
"""

from pocketcoder_tui.gatekeeper.rules.exact import exact_words, written
from pocketcoder_tui.gatekeeper.rules.fresh import ENVIRONMENT, fresh_argv
from pocketcoder_tui.gatekeeper.rules.history import BackTest, back_test, never_fired
from pocketcoder_tui.gatekeeper.rules.keeping import MOST_USES, Terms, kept, live_rules, rule_of
from pocketcoder_tui.gatekeeper.rules.matching import (
    Denial,
    allowing,
    command_rule,
    denying,
)
from pocketcoder_tui.gatekeeper.rules.model import (
    HALF_HOUR,
    Beginning,
    Command,
    Host,
    Place,
    Rule,
    Scope,
    Subject,
    read_stored,
)
from pocketcoder_tui.gatekeeper.rules.offers import (
    NotOffered,
    Offer,
    denials,
    first_offers,
    offer,
    offers,
)
from pocketcoder_tui.gatekeeper.rules.plain import Explanation, explain

__all__ = [
    "ENVIRONMENT",
    "HALF_HOUR",
    "MOST_USES",
    "BackTest",
    "Beginning",
    "Command",
    "Denial",
    "Explanation",
    "Host",
    "NotOffered",
    "Offer",
    "Place",
    "Rule",
    "Scope",
    "Subject",
    "Terms",
    "allowing",
    "back_test",
    "command_rule",
    "denials",
    "denying",
    "exact_words",
    "explain",
    "first_offers",
    "fresh_argv",
    "kept",
    "live_rules",
    "never_fired",
    "offer",
    "offers",
    "read_stored",
    "rule_of",
    "written",
]
