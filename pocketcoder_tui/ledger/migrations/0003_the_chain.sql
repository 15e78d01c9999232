-- The audit chain, and what may become of a session as a whole: archived, deleted, or begun with
-- events that happened elsewhere. ledger/migrating.py writes the chain's first record.

-- body is canonical JSON in ASCII; a record holds the sha256 of the one before it.
CREATE TABLE audit (
    seq INTEGER PRIMARY KEY,
    body TEXT NOT NULL
) STRICT;

CREATE TRIGGER audit_insert BEFORE INSERT ON audit
WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM audit) BEGIN
    SELECT RAISE(ABORT, 'A record follows the last one.');
END;
CREATE TRIGGER audit_update BEFORE UPDATE ON audit BEGIN
    SELECT RAISE(ABORT, 'A record is never changed.');
END;
CREATE TRIGGER audit_delete BEFORE DELETE ON audit BEGIN
    SELECT RAISE(ABORT, 'A record is never deleted.');
END;

-- inherited is the seq of the last event that happened elsewhere, 0 for none: those events have
-- no rows in turn, message, action and so on. deleted is a moment, NULL while the session is there.
CREATE TABLE session_state (
    session_id TEXT PRIMARY KEY REFERENCES session (id),
    inherited INTEGER NOT NULL DEFAULT 0,
    inherited_turns INTEGER NOT NULL DEFAULT 0,
    archived INTEGER NOT NULL DEFAULT 0 CHECK (archived IN (0, 1)),
    deleted REAL
) STRICT, WITHOUT ROWID;

INSERT INTO session_state (session_id) SELECT id FROM session;

CREATE TRIGGER session_has_state AFTER INSERT ON session BEGIN
    INSERT INTO session_state (session_id) VALUES (NEW.id);
END;
CREATE TRIGGER session_state_update BEFORE UPDATE ON session_state
WHEN NEW.session_id <> OLD.session_id OR OLD.deleted IS NOT NULL
    OR (OLD.inherited <> 0 AND NEW.inherited <> OLD.inherited) BEGIN
    SELECT RAISE(ABORT, 'The session was deleted, or began as it did.');
END;
CREATE TRIGGER session_state_delete BEFORE DELETE ON session_state BEGIN
    SELECT RAISE(ABORT, 'That there was a session is never deleted.');
END;
CREATE TRIGGER session_delete BEFORE DELETE ON session BEGIN
    SELECT RAISE(ABORT, 'That there was a session is never deleted.');
END;

DROP TRIGGER session_bound;
CREATE TRIGGER session_bound BEFORE UPDATE OF id, workspace, started ON session
WHEN NEW.id <> OLD.id OR NEW.started <> OLD.started
    OR (SELECT deleted FROM session_state WHERE session_id = OLD.id) IS NULL BEGIN
    SELECT RAISE(ABORT, 'Only the title of a session changes.');
END;

-- The content of a deleted session goes; of an event its place, time, kind and sha256 stay.

DROP TRIGGER event_insert;
CREATE TRIGGER event_insert BEFORE INSERT ON event BEGIN
    SELECT CASE
        WHEN NOT EXISTS (SELECT 1 FROM session WHERE id = NEW.session_id)
            THEN RAISE(ABORT, 'There is no such session.')
        WHEN (SELECT deleted FROM session_state WHERE session_id = NEW.session_id) IS NOT NULL
            THEN RAISE(ABORT, 'The session was deleted.')
        WHEN EXISTS (SELECT 1 FROM event WHERE seq = NEW.seq)
            THEN RAISE(ABORT, 'An event is never replaced.')
    END;
END;
CREATE TRIGGER event_update BEFORE UPDATE ON event
WHEN NEW.seq <> OLD.seq OR NEW.session_id <> OLD.session_id OR NEW.at <> OLD.at
    OR NEW.kind <> OLD.kind
    OR NEW.body NOT GLOB '{"erased":"*"}' OR length(NEW.body) <> 77
    OR (SELECT deleted FROM session_state WHERE session_id = OLD.session_id) IS NULL BEGIN
    SELECT RAISE(ABORT, 'An event is never changed.');
END;
CREATE TRIGGER output_update BEFORE UPDATE ON output
WHEN NEW.seq <> OLD.seq OR NEW.text IS NOT NULL OR OLD.pruned IS NOT NULL
    OR NOT EXISTS (SELECT 1 FROM audit WHERE seq = NEW.pruned) BEGIN
    SELECT RAISE(ABORT, 'An output is pruned once, and never changed.');
END;
CREATE TRIGGER output_delete BEFORE DELETE ON output
WHEN (SELECT s.deleted FROM event AS e JOIN session_state AS s ON s.session_id = e.session_id
    WHERE e.seq = OLD.seq) IS NULL BEGIN
    SELECT RAISE(ABORT, 'An output is never deleted.');
END;

DROP TRIGGER decision_delete;
CREATE TRIGGER decision_delete BEFORE DELETE ON decision
WHEN (SELECT s.deleted FROM action AS a JOIN session_state AS s ON s.session_id = a.session_id
    WHERE a.id = OLD.action_id) IS NULL BEGIN
    SELECT RAISE(ABORT, 'A decision is never deleted.');
END;
DROP TRIGGER dispatch_delete;
CREATE TRIGGER dispatch_delete BEFORE DELETE ON dispatch
WHEN (SELECT s.deleted FROM action AS a JOIN session_state AS s ON s.session_id = a.session_id
    WHERE a.id = OLD.action_id) IS NULL BEGIN
    SELECT RAISE(ABORT, 'A dispatch is never deleted.');
END;
DROP TRIGGER execution_delete;
CREATE TRIGGER execution_delete BEFORE DELETE ON execution
WHEN (SELECT s.deleted FROM action AS a JOIN session_state AS s ON s.session_id = a.session_id
    WHERE a.id = OLD.action_id) IS NULL BEGIN
    SELECT RAISE(ABORT, 'An execution is never deleted.');
END;
DROP TRIGGER action_delete;
CREATE TRIGGER action_delete BEFORE DELETE ON action
WHEN (SELECT deleted FROM session_state WHERE session_id = OLD.session_id) IS NULL BEGIN
    SELECT RAISE(ABORT, 'An action is never deleted.');
END;
CREATE TRIGGER turn_delete BEFORE DELETE ON turn
WHEN (SELECT deleted FROM session_state WHERE session_id = OLD.session_id) IS NULL BEGIN
    SELECT RAISE(ABORT, 'A turn is never deleted.');
END;
CREATE TRIGGER message_delete BEFORE DELETE ON message
WHEN (SELECT deleted FROM session_state WHERE session_id = OLD.session_id) IS NULL BEGIN
    SELECT RAISE(ABORT, 'A message is never deleted.');
END;
