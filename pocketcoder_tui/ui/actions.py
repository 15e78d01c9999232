"""Every action a person can take, registered once: keys, status line, palette and help use this."""

from collections.abc import Iterable
from dataclasses import dataclass

from textual.binding import Binding, BindingType


@dataclass(frozen=True, slots=True)
class UiAction:
    """One thing that a key does."""

    id: str
    """Unique; a keymap file will name it."""
    key: str
    """Default keys, separated by commas."""
    action: str
    """Textual's action string."""
    description: str
    """A few words for help and palette."""
    group: str
    """Where it works: everywhere, approvals, conversation, terminal, sessions, writing …"""
    tooltip: str
    """One sentence."""
    label: str = ""
    """One word for the status line; empty keeps it out."""
    palette: bool = False
    priority: bool = False
    """The key works whatever has the focus."""


ACTIONS: tuple[UiAction, ...] = (
    UiAction("approvals", "ctrl+y", "screen.approvals", "Go to what waits, and back", "everywhere",
             "Moves to the first action that waits for you; the same key comes back.",
             label="approvals", palette=True, priority=True),
    UiAction("attach", "ctrl+t", "screen.attach", "Take the terminal", "everywhere",
             "Steps aside and gives you the agent's terminal until you detach.",
             label="attach", palette=True, priority=True),
    UiAction("terminal", "ctrl+g", "screen.terminal", "Show the terminal, and back", "everywhere",
             "Moves to the live terminal; the same key comes back.",
             label="terminal", palette=True, priority=True),
    UiAction("clear_line", "ctrl+l", "screen.clear_line", "Clear the half-typed line", "everywhere",
             "Removes what is half typed in the terminal and keeps a command from starting.",
             palette=True, priority=True),
    UiAction("jobs", "f4", "screen.jobs", "Windows and programs", "everywhere",
             "Lists what runs in the box; a program can be stopped there.",
             palette=True, priority=True),
    UiAction("undo", "f6", "screen.undo", "Undo what was done", "everywhere",
             "Shows what the last action changed, and brings the workspace back.",
             palette=True, priority=True),
    UiAction("mode", "shift+tab", "screen.next_mode", "Change the mode", "everywhere",
             "Ask about everything, contain what is safe to run, or only plan; what waits stays.",
             palette=True, priority=True),
    UiAction("models", "alt+m", "screen.models", "Choose the model", "everywhere",
             "Lists the models of your providers; the chosen one is asked in this session.",
             palette=True, priority=True),
    UiAction("rules", "f7", "screen.rules", "Rules", "everywhere",
             "Lists your rules: what each does, switch it off, delete it, try it on the past.",
             palette=True, priority=True),
    UiAction("ssh_keys", "f9", "screen.ssh_keys", "SSH keys", "everywhere",
             "Lists the keys that may come to the box over SSH: add, switch off, remove one.",
             palette=True, priority=True),
    UiAction("network", "f10", "screen.network", "Network", "everywhere",
             "Lists the hosts that the box reaches, and its ports: end one, bring one here.",
             palette=True, priority=True),
    UiAction("stats", "f8", "screen.stats", "Who decided what", "everywhere",
             "How often you were asked, who decided, how fast, and which rule would have helped.",
             palette=True, priority=True),
    UiAction("first_offer", "f2", "screen.first_offer", "Let it look without asking", "everywhere",
             "Shows the rule that the first session offers, to be taken or left.",
             palette=True, priority=True),
    UiAction("sessions", "ctrl+o", "screen.sessions", "Sessions", "everywhere",
             "Lists all sessions: find, go to, rename, fork, put away, export, delete one.",
             label="sessions", palette=True, priority=True),
    UiAction("session_begin", "", "screen.new_session", "New session", "everywhere",
             "Begins another session; this one can be gone on with later.", palette=True),
    UiAction("palette", "ctrl+p", "app.command_palette", "Find a command", "everywhere",
             "Lists every command by name.",
             label="commands", palette=True, priority=True),
    UiAction("help", "f1", "app.help", "Show all keys", "everywhere",
             "Shows this list.",
             label="help", palette=True, priority=True),
    UiAction("help_sign", "question_mark", "app.help", "Show all keys", "everywhere",
             "The same while you are not writing."),
    UiAction("checklist", "f3", "screen.checklist", "Show what is missing", "everywhere",
             "Checks Docker, the box's image and the model's key.",
             palette=True, priority=True),
    UiAction("retry", "ctrl+r", "screen.retry", "Try to open the session again", "everywhere",
             "After the session could not be opened.",
             palette=True, priority=True),
    UiAction("watch", "f5", "screen.watch", "Watch the other pocketcoder", "everywhere",
             "Where another one owns the workspace: shows its session, and changes nothing.",
             palette=True, priority=True),
    UiAction("quit", "ctrl+q", "app.leave", "Quit", "everywhere",
             "Ends PocketCoder; the box and what runs in it go on.",
             palette=True, priority=True),
    UiAction("theme", "", "app.change_theme", "Choose the colours", "everywhere",
             "Dark, light and others.", palette=True),
    UiAction("take_back", "alt+u", "screen.take_back", "Take the last decision back", "everywhere",
             "It is asked again, unless it has left for the box.",
             palette=True, priority=True),
    UiAction("back", "escape", "screen.back", "Go back, or stop the model", "everywhere",
             "Goes back to writing; while writing it stops the model. Your text stays."),
    UiAction("allow", "y", "allow", "Allow once", "approvals",
             "Runs exactly what is shown, one time."),
    UiAction("deny", "n", "deny", "Deny", "approvals", "It does not run; the agent is told."),
    UiAction("deny_reason", "N,r", "deny_reason", "Deny with a reason", "approvals",
             "It does not run; the agent reads your words."),
    UiAction("always", "a", "always", "Always, or never", "approvals",
             "Shows the rule that can be made of it, as it would be stored, and for how long."),
    UiAction("edit", "e", "edit", "Change the text", "approvals",
             "Asks again with your text: a new row, which you then allow or deny."),
    UiAction("edit_outside", "E", "editor", "Change it in your editor", "approvals",
             "The same in the editor that VISUAL or EDITOR names."),
    UiAction("comment", "c", "comment", "Comment", "approvals",
             "Words for the agent that go with the result once you allow."),
    UiAction("choose", "1,2,3,4,5,6,7,8,9", "choose", "Answer a question", "approvals",
             "Gives the answer of that number; c writes another one."),
    UiAction("explain", "x", "explain", "Explain", "approvals",
             "Why you are asked, by which mode or rule, and what it would touch."),
    UiAction("mark", "m", "mark", "Mark, or no longer", "approvals",
             "Marked rows are decided together, once each was read to its end."),
    UiAction("mark_all", "M", "mark_all", "Mark all, or none", "approvals",
             "Each still has to be read to its end."),
    UiAction("take_back_here", "u", "take_back", "Take the last decision back", "approvals",
             "It is asked again, unless it has left for the box."),
    UiAction("hunk_next", "right_square_bracket", "hunk(1)", "Next part of a change", "approvals",
             "Goes to the next part."),
    UiAction("hunk_previous", "left_square_bracket", "hunk(-1)", "Part before", "approvals",
             "Goes to the part before."),
    UiAction("hunk_take", "h", "take", "Take or leave a part", "approvals",
             "With parts left out, y asks again with the others."),
    UiAction("split", "d", "split", "Side by side, or not", "approvals",
             "Shows a change in two columns where there is room."),
    UiAction("try_first", "t", "try_first", "Try it first", "approvals",
             "Runs the command in a throw-away copy and shows what it did; decides nothing."),
    UiAction("next", "down,j", "select(1)", "Next row", "approvals", "Selects the next row."),
    UiAction("previous", "up,k", "select(-1)", "Previous row", "approvals",
             "Selects the row before."),
    UiAction("read_on", "space,pagedown", "read(1)", "Read on", "approvals",
             "Scrolls the text of the selected row."),
    UiAction("read_back", "b,pageup", "read(-1)", "Read back", "approvals",
             "Scrolls the text of the selected row back."),
    UiAction("zoom", "f", "zoom", "Whole screen, and back", "approvals",
             "Gives the selected row the whole screen."),
    UiAction("entry_next", "down,j", "step(1)", "Next entry", "conversation",
             "Moves to the next entry that opens."),
    UiAction("entry_previous", "up,k", "step(-1)", "Entry before", "conversation",
             "Moves to the entry before."),
    UiAction("entry_open", "enter", "open", "Open or close", "conversation",
             "Opens a thought or an action: its text, its output, who decided."),
    UiAction("entry_view", "f", "view", "Whole screen", "conversation",
             "Shows the text and the output of an action on the whole screen."),
    UiAction("undo_here", "u", "undo", "Undo", "conversation",
             "Shows what the marked action changed, or the last one, and brings it back."),
    UiAction("entry_change", "e", "change", "Change a queued message", "conversation",
             "Takes the marked message back into your hands until the model has it."),
    UiAction("entry_withdraw", "x", "withdraw", "Take a queued message back", "conversation",
             "The agent does not get the marked message."),
    UiAction("newest", "end", "newest", "To the newest", "conversation",
             "Follows what happens again."),
    UiAction("interrupt", "ctrl+c", "interrupt", "Interrupt the command", "terminal",
             "Sends Ctrl+C to the running command. Elsewhere Ctrl+C copies what is selected."),
    UiAction("window_next", "right,l", "window(1)", "Next window", "terminal",
             "Shows the next window of the box's terminal."),
    UiAction("window_previous", "left,h", "window(-1)", "Window before", "terminal",
             "Shows the window before."),
    UiAction("job_stop", "x", "stop", "Stop the program", "programs",
             "Ends the selected program and what it started."),
    UiAction("job_next", "down,j", "move(1)", "Next program", "programs", "Selects the next one."),
    UiAction("job_previous", "up,k", "move(-1)", "Program before", "programs",
             "Selects the one before."),
    UiAction("job_back", "escape,f4,q", "back", "Back", "programs", "Closes the list."),
    UiAction("undo_do", "y", "restore", "Bring it back", "undo",
             "Does what is shown, after a checkpoint of its own."),
    UiAction("undo_older", "left,h", "step(-1)", "Further back", "undo",
             "Shows the checkpoint before."),
    UiAction("undo_newer", "right,l", "step(1)", "Less far back", "undo",
             "Shows the checkpoint after; one before an undo undoes it."),
    UiAction("undo_read_on", "space,pagedown", "read(1)", "Read on", "undo",
             "Scrolls the difference."),
    UiAction("undo_read_back", "b,pageup", "read(-1)", "Read back", "undo",
             "Scrolls the difference back."),
    UiAction("undo_down", "down,j", "line(1)", "Down", "undo", "Scrolls by a line."),
    UiAction("undo_up", "up,k", "line(-1)", "Up", "undo", "Scrolls back by a line."),
    UiAction("undo_back", "escape,f6,q", "back", "Back", "undo", "Changes nothing."),
    UiAction("try_read_on", "space,pagedown", "read(1)", "Read on", "try", "Scrolls the result."),
    UiAction("try_read_back", "b,pageup", "read(-1)", "Read back", "try",
             "Scrolls the result back."),
    UiAction("try_down", "down,j", "line(1)", "Down", "try", "Scrolls by a line."),
    UiAction("try_up", "up,k", "line(-1)", "Up", "try", "Scrolls back by a line."),
    UiAction("try_back", "escape,q", "back", "Back", "try",
             "Ends the try if it runs; the command waits as before."),
    UiAction("scope_session", "s", "keep('session')", "In this session", "scope",
             "Keeps the shown rule for this session and decides this action by it."),
    UiAction("scope_workspace", "w", "keep('workspace')", "In this workspace", "scope",
             "Keeps it for every session of this workspace."),
    UiAction("scope_time", "t", "keep('time')", "For 30 minutes", "scope",
             "Keeps it for half an hour."),
    UiAction("scope_uses", "u", "keep('uses')", "For the next ones", "scope",
             "Keeps it for the next actions, as many as shown."),
    UiAction("scope_more", "plus,right", "count(1)", "One more", "scope", "For one more action."),
    UiAction("scope_fewer", "minus,left", "count(-1)", "One fewer", "scope",
             "For one action less."),
    UiAction("scope_once", "o", "once", "Only this once", "scope",
             "Allows this action and keeps no rule."),
    UiAction("scope_next", "down,j", "select(1)", "Next rule", "scope", "Shows the next one."),
    UiAction("scope_previous", "up,k", "select(-1)", "Rule before", "scope",
             "Shows the one before."),
    UiAction("scope_read_on", "space,pagedown", "read(1)", "Read on", "scope",
             "Scrolls the text."),
    UiAction("scope_read_back", "b,pageup", "read(-1)", "Read back", "scope",
             "Scrolls the text back."),
    UiAction("scope_back", "escape,q", "back", "Back", "scope",
             "Keeps no rule and decides nothing."),
    UiAction("rule_switch", "x", "switch", "Switch off, or on", "rules",
             "A rule that is off decides nothing."),
    UiAction("rule_delete", "d", "delete", "Delete", "rules",
             "Asks first; that there was a rule stays in the records."),
    UiAction("rule_test", "t", "test", "Try it on the past", "rules",
             "Lists what it would have decided of the last 500 actions."),
    UiAction("rule_unused", "u", "unused", "Those that never fire", "rules",
             "Lists the rules that have decided nothing, or all again."),
    UiAction("rule_next", "down,j", "move(1)", "Next rule", "rules", "Marks the next one."),
    UiAction("rule_previous", "up,k", "move(-1)", "Rule before", "rules", "Marks the one before."),
    UiAction("rule_read_on", "space,pagedown", "read(1)", "Read on", "rules", "Scrolls the text."),
    UiAction("rule_read_back", "b,pageup", "read(-1)", "Read back", "rules",
             "Scrolls the text back."),
    UiAction("rule_back", "escape,f7,q", "back", "Back", "rules", "Closes the list."),
    UiAction("ssh_key_add", "a", "add", "Add", "ssh keys", "Asks for the line of a .pub file."),
    UiAction("ssh_key_switch", "x", "switch", "Switch off, or on", "ssh keys",
             "Whoever is in by a key that is off is put out."),
    UiAction("ssh_key_remove", "d", "remove", "Remove", "ssh keys",
             "Asks first; that there was a key stays in the records."),
    UiAction("ssh_key_next", "down,j", "move(1)", "Next key", "ssh keys", "Marks the next one."),
    UiAction("ssh_key_previous", "up,k", "move(-1)", "Key before", "ssh keys",
             "Marks the one before."),
    UiAction("ssh_key_back", "escape,f9", "back", "Back", "ssh keys",
             "Closes the line to paste into, or the list."),
    UiAction("network_end", "d", "end", "End", "network",
             "What the marked host was allowed ends, and what is open to it is cut."),
    UiAction("network_forward", "f", "forward", "Bring the port here, or not", "network",
             "Lets the same port of this machine lead to the marked one; again ends it."),
    UiAction("network_look", "r", "look", "Look again", "network", "Asks the box for its ports."),
    UiAction("network_next", "down,j", "move(1)", "Next row", "network", "Marks the next one."),
    UiAction("network_previous", "up,k", "move(-1)", "Row before", "network",
             "Marks the one before."),
    UiAction("network_back", "escape,f10,q", "back", "Back", "network", "Closes the list."),
    UiAction("offer_take", "y", "answer(True)", "Take it", "offer",
             "Keeps the shown rules; F7 ends them."),
    UiAction("offer_leave", "n", "answer(False)", "Leave it", "offer",
             "It is not offered again."),
    UiAction("offer_read_on", "space,pagedown", "read(1)", "Read on", "offer",
             "Scrolls the text."),
    UiAction("offer_read_back", "b,pageup", "read(-1)", "Read back", "offer",
             "Scrolls the text back."),
    UiAction("offer_back", "escape,f2,q", "back", "Later", "offer", "Answers nothing."),
    UiAction("session_open", "enter", "open", "Go there", "sessions",
             "Leaves the session that is open and opens the marked one."),
    UiAction("session_new", "n", "new", "New session", "sessions", "Begins another session."),
    UiAction("session_search", "slash", "search", "Search", "sessions",
             "Finds in titles, messages, answers, commands and output as you type.",
             priority=True),
    UiAction("session_rename", "r", "rename", "Rename", "sessions", "Asks for another title.",
             priority=True),
    UiAction("session_fork", "f", "fork", "Fork", "sessions",
             "Begins a session with this one's beginning, up to the end of a turn."),
    UiAction("session_archive", "a", "archive", "Put away, or take out", "sessions",
             "A session that is put away is not listed, and is found all the same."),
    UiAction("session_away", "A", "show_away", "Show those put away", "sessions",
             "Lists them too, or no longer."),
    UiAction("session_export", "e", "export", "Export", "sessions",
             "Writes a file: one HTML page, Markdown, or JSON lines.", priority=True),
    UiAction("session_delete", "d", "delete", "Delete", "sessions",
             "Asks for the word delete first.", priority=True),
    UiAction("session_next", "down,j", "move(1)", "Next session", "sessions",
             "Marks the next one."),
    UiAction("session_previous", "up,k", "move(-1)", "Session before", "sessions",
             "Marks the one before."),
    UiAction("session_page_on", "pagedown", "page(1)", "A page on", "sessions",
             "Marks one a page below."),
    UiAction("session_page_back", "pageup", "page(-1)", "A page back", "sessions",
             "Marks one a page above."),
    UiAction("session_back", "escape,ctrl+o,q", "back", "Back", "sessions",
             "Closes the question, the search, or the list."),
    UiAction("model_choose", "enter", "choose", "Ask this one", "models",
             "The marked model is asked from the next reply on, in this session.", priority=True),
    UiAction("model_next", "down", "move(1)", "Next model", "models", "Marks the next one.",
             priority=True),
    UiAction("model_previous", "up", "move(-1)", "Model before", "models", "Marks the one before.",
             priority=True),
    UiAction("model_page_on", "pagedown", "page(1)", "A page on", "models",
             "Marks one a page below.", priority=True),
    UiAction("model_page_back", "pageup", "page(-1)", "A page back", "models",
             "Marks one a page above.", priority=True),
    UiAction("model_back", "escape,alt+m", "back", "Back", "models", "Chooses nothing.",
             priority=True),
    UiAction("turn_fork", "enter", "fork", "Fork here", "turns",
             "The new session begins with all up to the end of the marked turn."),
    UiAction("turn_next", "down,j", "move(1)", "Next turn", "turns", "Marks the next one."),
    UiAction("turn_previous", "up,k", "move(-1)", "Turn before", "turns", "Marks the one before."),
    UiAction("turn_page_on", "pagedown", "move(10)", "Ten on", "turns", "Marks one ten below."),
    UiAction("turn_page_back", "pageup", "move(-10)", "Ten back", "turns",
             "Marks one ten above."),
    UiAction("turn_back", "escape,q", "back", "Back", "turns", "Forks nothing."),
    UiAction("send", "enter", "send", "Send", "writing", "Sends your message."),
    UiAction("newline", "shift+enter,ctrl+j,alt+enter", "newline", "New line", "writing",
             "Starts a new line in your message."),
    UiAction("change_newline", "shift+enter,ctrl+j,alt+enter", "newline", "New line", "changing",
             "Starts a new line in the text that you change."),
    UiAction("change_editor", "ctrl+o", "editor", "Go on in your editor", "changing",
             "Opens the text in the editor that VISUAL or EDITOR names."),
    UiAction("recall", "up", "cursor_up", "Change the last queued message", "writing",
             "In an empty message; elsewhere it moves the cursor."),
    UiAction("page_up", "pageup", "page(-1)", "Read back", "writing",
             "Scrolls the conversation back."),
    UiAction("page_down", "pagedown", "page(1)", "Read on", "writing",
             "Scrolls the conversation on."),
    UiAction("mend_1", "1", "mend(1)", "Mend the first row", "checklist",
             "Asks before it installs."),
    UiAction("mend_2", "2", "mend(2)", "Mend the second row", "checklist",
             "Shows its progress."),
    UiAction("mend_3", "3", "mend(3)", "Mend the third row", "checklist", "The key is not shown."),
    UiAction("tour", "t", "tour", "Take the tour", "checklist",
             "A scripted model drives the real box; no key is needed."),
)  # fmt: skip

_NAMES = {
    "escape": "Esc", "enter": "Enter", "space": "Space", "pagedown": "PgDn", "pageup": "PgUp",
    "question_mark": "?", "slash": "/", "shift+enter": "Shift+Enter", "alt+enter": "Alt+Enter",
    "right_square_bracket": "]", "left_square_bracket": "[", "alt+u": "Alt+U", "alt+m": "Alt+M",
    "shift+tab": "Shift+Tab", "plus": "+", "minus": "-",
    "up": "↑", "down": "↓", "left": "←", "right": "→", "end": "End",
}  # fmt: skip


def bindings_for(group: str) -> list[BindingType]:
    """Return the Textual bindings of one group."""
    return [
        Binding(
            a.key, a.action, a.description, False, priority=a.priority, tooltip=a.tooltip, id=a.id
        )
        for a in ACTIONS
        if a.group == group and a.key
    ]


def key_name(key: str) -> str:
    """Return how a key is written on screen: ``ctrl+y`` is ``^Y``."""
    if key in _NAMES:
        return _NAMES[key]
    if key.startswith("ctrl+"):
        return "^" + key.removeprefix("ctrl+").upper()
    return key.upper() if len(key) > 1 else key


def keys_of(action: UiAction) -> str:
    """Return all keys of an action as they are written on screen."""
    return " ".join(key_name(k) for k in action.key.split(",") if k)


def action(id_: str) -> UiAction:
    """Return an action. Raises KeyError for an unknown id."""
    for known in ACTIONS:
        if known.id == id_:
            return known
    raise KeyError(id_)


def groups() -> Iterable[tuple[str, list[UiAction]]]:
    """Yield each group's name with its actions, in the order of help."""
    for group in dict.fromkeys(a.group for a in ACTIONS):
        yield group, [a for a in ACTIONS if a.group == group]
