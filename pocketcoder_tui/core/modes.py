"""The modes' names and what each means to the person; the gatekeeper's policy is what they do."""

ASK, CONTAINED, PLAN = "ask", "contained", "plan"

SENTENCES = {
    ASK: "Ask mode: every action waits for you, but for what a rule of yours decides.",
    CONTAINED: "Contained mode: what stays in the sandbox runs without asking.",
    PLAN: "Plan mode: only tools that look are used; nothing is changed.",
}
"""For the conversation, at each change."""

SHORT = {ASK: "asks", CONTAINED: "runs without asking", PLAN: "only looks"}
"""For the status line, which has room for a few words."""


def sentence_of(mode: str) -> str:
    """Say what a mode means; a name that this version does not know is only named."""
    return SENTENCES.get(mode, f"Mode: {mode}.")
