-- The log of events, and the state that follows from it. The triggers hold an action's life:
--   proposed -> waiting | allowed | denied | superseded
--   waiting -> allowed | denied | superseded
--   allowed -> dispatched | superseded
--   dispatched -> finished | interrupted | unknown
-- A decision, a dispatch and an execution are each a row that is written once; writing it moves
-- the action. RAISE's text is the sentence that a person reads.

CREATE TABLE migration (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    applied_at REAL NOT NULL
) STRICT;

CREATE TABLE session (
    id TEXT PRIMARY KEY,
    workspace TEXT NOT NULL,
    title TEXT NOT NULL DEFAULT '',
    started REAL NOT NULL
) STRICT, WITHOUT ROWID;

-- The truth. body is ASCII JSON and holds every field of the event exactly.
CREATE TABLE event (
    seq INTEGER PRIMARY KEY,
    session_id TEXT NOT NULL REFERENCES session (id),
    at REAL NOT NULL,
    kind TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT;

CREATE INDEX event_of_session ON event (session_id, seq);

CREATE TABLE turn (
    id TEXT PRIMARY KEY,
    session_id TEXT NOT NULL REFERENCES session (id),
    started REAL NOT NULL,
    outcome TEXT CHECK (outcome IN ('done', 'stopped', 'failed', 'interrupted')),
    ended REAL,
    CHECK ((outcome IS NULL) = (ended IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX turn_of_session ON turn (session_id);

-- turn_id is empty while the message is queued.
CREATE TABLE message (
    id TEXT PRIMARY KEY,
    session_id TEXT NOT NULL REFERENCES session (id),
    turn_id TEXT REFERENCES turn (id)
) STRICT, WITHOUT ROWID;

CREATE TABLE action (
    id TEXT PRIMARY KEY,
    session_id TEXT NOT NULL REFERENCES session (id),
    turn_id TEXT NOT NULL REFERENCES turn (id),
    reply_id TEXT NOT NULL,
    call_id TEXT NOT NULL,
    wire_id TEXT,
    tool TEXT NOT NULL,
    arguments TEXT NOT NULL,
    cwd TEXT NOT NULL,
    container TEXT NOT NULL,
    base TEXT NOT NULL,
    digest TEXT NOT NULL CHECK (length(digest) = 64),
    at REAL NOT NULL,
    supersedes TEXT REFERENCES action (id),
    state TEXT NOT NULL DEFAULT 'proposed' CHECK (state IN (
        'proposed', 'waiting', 'allowed', 'denied', 'superseded', 'dispatched', 'finished',
        'interrupted', 'unknown'
    ))
) STRICT;

CREATE INDEX action_of_session ON action (session_id, state);

CREATE TABLE decision (
    action_id TEXT PRIMARY KEY REFERENCES action (id),
    seq INTEGER NOT NULL REFERENCES event (seq),
    outcome TEXT NOT NULL CHECK (outcome IN ('allow', 'deny')),
    by TEXT NOT NULL CHECK (by IN ('person', 'rule', 'mode')),
    who TEXT NOT NULL,
    reason TEXT NOT NULL,
    digest TEXT NOT NULL,
    at REAL NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE dispatch (
    action_id TEXT PRIMARY KEY REFERENCES decision (action_id),
    seq INTEGER NOT NULL REFERENCES event (seq),
    digest TEXT NOT NULL,
    at REAL NOT NULL
) STRICT, WITHOUT ROWID;

-- The output itself is in the event.
CREATE TABLE execution (
    action_id TEXT PRIMARY KEY REFERENCES dispatch (action_id),
    seq INTEGER NOT NULL REFERENCES event (seq),
    ended TEXT NOT NULL CHECK (ended IN ('finished', 'interrupted', 'unknown')),
    status INTEGER,
    started REAL NOT NULL,
    seconds REAL NOT NULL,
    omitted INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What is written once stays.

CREATE TRIGGER event_insert BEFORE INSERT ON event BEGIN
    SELECT CASE
        WHEN NOT EXISTS (SELECT 1 FROM session WHERE id = NEW.session_id)
            THEN RAISE(ABORT, 'There is no such session.')
        WHEN EXISTS (SELECT 1 FROM event WHERE seq = NEW.seq)
            THEN RAISE(ABORT, 'An event is never replaced.')
    END;
END;
CREATE TRIGGER event_update BEFORE UPDATE ON event BEGIN
    SELECT RAISE(ABORT, 'An event is never changed.');
END;
CREATE TRIGGER event_delete BEFORE DELETE ON event BEGIN
    SELECT RAISE(ABORT, 'An event is never deleted.');
END;
CREATE TRIGGER decision_update BEFORE UPDATE ON decision BEGIN
    SELECT RAISE(ABORT, 'A decision is never changed.');
END;
CREATE TRIGGER decision_delete BEFORE DELETE ON decision BEGIN
    SELECT RAISE(ABORT, 'A decision is never deleted.');
END;
CREATE TRIGGER dispatch_update BEFORE UPDATE ON dispatch BEGIN
    SELECT RAISE(ABORT, 'A dispatch is never changed.');
END;
CREATE TRIGGER dispatch_delete BEFORE DELETE ON dispatch BEGIN
    SELECT RAISE(ABORT, 'A dispatch is never deleted.');
END;
CREATE TRIGGER execution_update BEFORE UPDATE ON execution BEGIN
    SELECT RAISE(ABORT, 'An execution is never changed.');
END;
CREATE TRIGGER execution_delete BEFORE DELETE ON execution BEGIN
    SELECT RAISE(ABORT, 'An execution is never deleted.');
END;
CREATE TRIGGER action_delete BEFORE DELETE ON action BEGIN
    SELECT RAISE(ABORT, 'An action is never deleted.');
END;
CREATE TRIGGER action_bound
BEFORE UPDATE OF id, session_id, turn_id, reply_id, call_id, wire_id, tool, arguments, cwd,
    container, base, digest, at, supersedes
ON action BEGIN
    SELECT RAISE(ABORT, 'What an action would do is never changed.');
END;
CREATE TRIGGER session_bound BEFORE UPDATE OF id, workspace, started ON session BEGIN
    SELECT RAISE(ABORT, 'Only the title of a session changes.');
END;
CREATE TRIGGER turn_once BEFORE UPDATE ON turn
WHEN OLD.outcome IS NOT NULL OR NEW.id <> OLD.id OR NEW.session_id <> OLD.session_id
    OR NEW.started <> OLD.started
BEGIN
    SELECT RAISE(ABORT, 'The turn is over already.');
END;
CREATE TRIGGER message_once BEFORE UPDATE ON message
WHEN OLD.turn_id IS NOT NULL OR NEW.id <> OLD.id OR NEW.session_id <> OLD.session_id
BEGIN
    SELECT RAISE(ABORT, 'The message went to the model already.');
END;

-- The life of an action.

CREATE TRIGGER action_insert BEFORE INSERT ON action BEGIN
    SELECT CASE
        WHEN EXISTS (SELECT 1 FROM action WHERE id = NEW.id)
            THEN RAISE(ABORT, 'This action was proposed already.')
        WHEN NEW.state <> 'proposed'
            THEN RAISE(ABORT, 'An action begins as proposed.')
        WHEN (SELECT session_id FROM turn WHERE id = NEW.turn_id) IS NOT NEW.session_id
            THEN RAISE(ABORT, 'There is no such turn in this session.')
        WHEN NEW.supersedes IS NOT NULL
            AND (SELECT session_id FROM action WHERE id = NEW.supersedes) IS NOT NEW.session_id
            THEN RAISE(ABORT, 'The action that this one replaces is not in this session.')
    END;
END;

CREATE TRIGGER action_step BEFORE UPDATE OF state ON action
WHEN (OLD.state, NEW.state) NOT IN (VALUES
    ('proposed', 'waiting'), ('proposed', 'allowed'), ('proposed', 'denied'),
    ('proposed', 'superseded'),
    ('waiting', 'allowed'), ('waiting', 'denied'), ('waiting', 'superseded'),
    ('allowed', 'dispatched'), ('allowed', 'superseded'),
    ('dispatched', 'finished'), ('dispatched', 'interrupted'), ('dispatched', 'unknown'))
BEGIN
    SELECT CASE OLD.state
        WHEN 'proposed' THEN RAISE(ABORT, 'The action has no decision yet.')
        WHEN 'waiting' THEN RAISE(ABORT, 'The action waits for a decision.')
        WHEN 'allowed' THEN RAISE(ABORT, 'The action was allowed, and not dispatched.')
        WHEN 'denied' THEN RAISE(ABORT, 'The action was denied.')
        WHEN 'superseded' THEN RAISE(ABORT, 'The action was replaced.')
        WHEN 'dispatched' THEN RAISE(ABORT, 'The action was dispatched already.')
        ELSE RAISE(ABORT, 'The action is over already.')
    END;
END;

CREATE TRIGGER action_step_decided BEFORE UPDATE OF state ON action
WHEN NEW.state IN ('allowed', 'denied') AND NOT EXISTS (
    SELECT 1 FROM decision WHERE action_id = OLD.id AND digest = OLD.digest
        AND outcome = CASE NEW.state WHEN 'allowed' THEN 'allow' ELSE 'deny' END)
BEGIN
    SELECT RAISE(ABORT, 'The action has no such decision.');
END;
CREATE TRIGGER action_step_dispatched BEFORE UPDATE OF state ON action
WHEN NEW.state = 'dispatched' AND NOT EXISTS (
    SELECT 1 FROM dispatch WHERE action_id = OLD.id AND digest = OLD.digest)
BEGIN
    SELECT RAISE(ABORT, 'The action was not dispatched.');
END;
CREATE TRIGGER action_step_ended BEFORE UPDATE OF state ON action
WHEN NEW.state IN ('finished', 'interrupted', 'unknown') AND NOT EXISTS (
    SELECT 1 FROM execution WHERE action_id = OLD.id AND ended = NEW.state)
BEGIN
    SELECT RAISE(ABORT, 'The action has no such result.');
END;

CREATE TRIGGER decision_insert BEFORE INSERT ON decision BEGIN
    SELECT CASE
        WHEN (SELECT session_id FROM action WHERE id = NEW.action_id)
            IS NOT (SELECT session_id FROM event WHERE seq = NEW.seq)
            THEN RAISE(ABORT, 'There is no such action in this session.')
        WHEN EXISTS (SELECT 1 FROM decision WHERE action_id = NEW.action_id)
            THEN RAISE(ABORT, 'This action was decided already.')
        WHEN (SELECT digest FROM action WHERE id = NEW.action_id) <> NEW.digest
            THEN RAISE(ABORT, 'The decision is about something other than this action.')
    END;
END;
CREATE TRIGGER decision_moves AFTER INSERT ON decision BEGIN
    UPDATE action SET state = CASE NEW.outcome WHEN 'allow' THEN 'allowed' ELSE 'denied' END
    WHERE id = NEW.action_id;
END;

CREATE TRIGGER dispatch_insert BEFORE INSERT ON dispatch BEGIN
    SELECT CASE
        WHEN (SELECT session_id FROM action WHERE id = NEW.action_id)
            IS NOT (SELECT session_id FROM event WHERE seq = NEW.seq)
            THEN RAISE(ABORT, 'There is no such action in this session.')
        WHEN EXISTS (SELECT 1 FROM dispatch WHERE action_id = NEW.action_id)
            THEN RAISE(ABORT, 'This action was dispatched already.')
        WHEN NOT EXISTS (SELECT 1 FROM decision WHERE action_id = NEW.action_id)
            THEN RAISE(ABORT, 'The action has no decision yet.')
        WHEN (SELECT outcome FROM decision WHERE action_id = NEW.action_id) <> 'allow'
            THEN RAISE(ABORT, 'The action was denied.')
        WHEN (SELECT digest FROM decision WHERE action_id = NEW.action_id) <> NEW.digest
            THEN RAISE(ABORT, 'What would be dispatched is not what was allowed.')
    END;
END;
CREATE TRIGGER dispatch_moves AFTER INSERT ON dispatch BEGIN
    UPDATE action SET state = 'dispatched' WHERE id = NEW.action_id;
END;

CREATE TRIGGER execution_insert BEFORE INSERT ON execution BEGIN
    SELECT CASE
        WHEN (SELECT session_id FROM action WHERE id = NEW.action_id)
            IS NOT (SELECT session_id FROM event WHERE seq = NEW.seq)
            THEN RAISE(ABORT, 'There is no such action in this session.')
        WHEN EXISTS (SELECT 1 FROM execution WHERE action_id = NEW.action_id)
            THEN RAISE(ABORT, 'The result of this action is known already.')
        WHEN NOT EXISTS (SELECT 1 FROM dispatch WHERE action_id = NEW.action_id)
            THEN RAISE(ABORT, 'The action was not dispatched.')
    END;
END;
CREATE TRIGGER execution_moves AFTER INSERT ON execution BEGIN
    UPDATE action SET state = NEW.ended WHERE id = NEW.action_id;
END;
