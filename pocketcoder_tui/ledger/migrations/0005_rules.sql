-- Remembered answers. A rule's text is what the person was shown; what is counted is counted by the
-- triggers below, in the transaction of the decision, so that a rule for the next three actions
-- decides three, whatever happens at the same time. Each change has a record in the audit chain.

CREATE TABLE rule (
    id TEXT PRIMARY KEY,
    text TEXT NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('allow', 'deny')),
    scope TEXT NOT NULL CHECK (scope IN ('session', 'workspace', 'time', 'uses')),
    session_id TEXT NOT NULL,
    made REAL NOT NULL,
    made_by TEXT NOT NULL,
    made_from TEXT NOT NULL,
    expires REAL NOT NULL,
    uses INTEGER NOT NULL CHECK (uses >= 0),
    used INTEGER NOT NULL DEFAULT 0,
    last_used REAL NOT NULL DEFAULT 0,
    disabled INTEGER NOT NULL DEFAULT 0 CHECK (disabled IN (0, 1)),
    deleted REAL NOT NULL DEFAULT 0,
    CHECK ((scope = 'time') = (expires > 0)),
    CHECK ((scope = 'uses') = (uses > 0)),
    CHECK (scope <> 'session' OR session_id <> ''),
    CHECK (scope <> 'uses' OR used <= uses)
) STRICT;

-- Offers that are made once, and what the person answered.
CREATE TABLE offer (
    name TEXT PRIMARY KEY,
    taken INTEGER NOT NULL CHECK (taken IN (0, 1)),
    at REAL NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TRIGGER rule_insert BEFORE INSERT ON rule
WHEN EXISTS (SELECT 1 FROM rule WHERE id = NEW.id)
    OR NEW.used <> 0 OR NEW.last_used <> 0 OR NEW.disabled <> 0 OR NEW.deleted <> 0 BEGIN
    SELECT RAISE(ABORT, 'A rule begins unused, and is never replaced.');
END;
CREATE TRIGGER rule_update BEFORE UPDATE ON rule
WHEN NEW.id <> OLD.id OR NEW.text <> OLD.text OR NEW.outcome <> OLD.outcome
    OR NEW.scope <> OLD.scope OR NEW.session_id <> OLD.session_id OR NEW.made <> OLD.made
    OR NEW.made_by <> OLD.made_by OR NEW.made_from <> OLD.made_from OR NEW.expires <> OLD.expires
    OR NEW.uses <> OLD.uses OR NEW.used < OLD.used OR NEW.used > OLD.used + 1 BEGIN
    SELECT RAISE(ABORT, 'What a rule says never changes.');
END;
CREATE TRIGGER rule_gone BEFORE UPDATE ON rule
WHEN OLD.deleted <> 0 BEGIN
    SELECT RAISE(ABORT, 'The rule was deleted.');
END;
CREATE TRIGGER rule_delete BEFORE DELETE ON rule BEGIN
    SELECT RAISE(ABORT, 'That there was a rule is never deleted.');
END;
CREATE TRIGGER offer_once BEFORE INSERT ON offer
WHEN EXISTS (SELECT 1 FROM offer WHERE name = NEW.name) BEGIN
    SELECT RAISE(ABORT, 'This offer was answered already.');
END;
CREATE TRIGGER offer_update BEFORE UPDATE ON offer BEGIN
    SELECT RAISE(ABORT, 'An answer is never changed.');
END;
CREATE TRIGGER offer_delete BEFORE DELETE ON offer BEGIN
    SELECT RAISE(ABORT, 'An answer is never deleted.');
END;

-- A decision by a rule needs a rule that holds at this moment, and is counted at once.

CREATE TRIGGER decision_by_rule BEFORE INSERT ON decision
WHEN NEW.by = 'rule' BEGIN
    SELECT CASE
        WHEN NOT EXISTS (SELECT 1 FROM rule WHERE id = NEW.who)
            THEN RAISE(ABORT, 'There is no such rule.')
        WHEN (SELECT outcome FROM rule WHERE id = NEW.who) <> NEW.outcome
            THEN RAISE(ABORT, 'The rule says something else.')
        WHEN (SELECT deleted FROM rule WHERE id = NEW.who) <> 0
            THEN RAISE(ABORT, 'The rule was deleted.')
        WHEN (SELECT disabled FROM rule WHERE id = NEW.who) = 1
            THEN RAISE(ABORT, 'The rule is switched off.')
        WHEN (SELECT scope = 'session' AND session_id IS NOT
                (SELECT session_id FROM event WHERE seq = NEW.seq) FROM rule WHERE id = NEW.who)
            THEN RAISE(ABORT, 'The rule was made for another session.')
        WHEN (SELECT scope = 'time' AND (expires <= NEW.at OR made > NEW.at)
                FROM rule WHERE id = NEW.who)
            THEN RAISE(ABORT, 'The time of the rule is over.')
        WHEN (SELECT scope = 'uses' AND used >= uses FROM rule WHERE id = NEW.who)
            THEN RAISE(ABORT, 'The rule was used as often as it was made for.')
    END;
END;
CREATE TRIGGER rule_counts AFTER INSERT ON decision
WHEN NEW.by = 'rule' BEGIN
    UPDATE rule SET used = used + 1, last_used = (SELECT at FROM event WHERE seq = NEW.seq)
    WHERE id = NEW.who;
END;
