-- SSH keys that may come to the box's terminal. A key and its name never change; it can be switched
-- off and on, and removed for good. Each change has a record in the audit chain.

CREATE TABLE ssh_key (
    number INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    blob TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    name TEXT NOT NULL CHECK (name <> ''),
    added REAL NOT NULL,
    added_by TEXT NOT NULL,
    disabled INTEGER NOT NULL DEFAULT 0 CHECK (disabled IN (0, 1)),
    removed REAL NOT NULL DEFAULT 0
) STRICT;

CREATE TRIGGER ssh_key_insert BEFORE INSERT ON ssh_key BEGIN
    SELECT CASE
        WHEN NEW.disabled <> 0 OR NEW.removed <> 0
            THEN RAISE(ABORT, 'A key begins as one that lets in.')
        WHEN EXISTS (SELECT 1 FROM ssh_key WHERE number = NEW.number)
            THEN RAISE(ABORT, 'A key is never replaced.')
        WHEN EXISTS (SELECT 1 FROM ssh_key WHERE removed = 0 AND fingerprint = NEW.fingerprint)
            THEN RAISE(ABORT, 'This key is there already.')
        WHEN EXISTS (SELECT 1 FROM ssh_key WHERE removed = 0 AND name = NEW.name)
            THEN RAISE(ABORT, 'There is a key with this name.')
    END;
END;
CREATE TRIGGER ssh_key_update BEFORE UPDATE ON ssh_key
WHEN NEW.number <> OLD.number OR NEW.kind <> OLD.kind OR NEW.blob <> OLD.blob
    OR NEW.fingerprint <> OLD.fingerprint OR NEW.name <> OLD.name OR NEW.added <> OLD.added
    OR NEW.added_by <> OLD.added_by BEGIN
    SELECT RAISE(ABORT, 'A key never changes.');
END;
CREATE TRIGGER ssh_key_gone BEFORE UPDATE ON ssh_key
WHEN OLD.removed <> 0 BEGIN
    SELECT RAISE(ABORT, 'The key was removed.');
END;
CREATE TRIGGER ssh_key_delete BEFORE DELETE ON ssh_key BEGIN
    SELECT RAISE(ABORT, 'That there was a key is never deleted.');
END;
