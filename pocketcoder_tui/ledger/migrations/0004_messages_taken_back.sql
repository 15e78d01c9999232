-- A message that waits can be changed or taken back by the person; one that the model has cannot.
-- withdrawn is a moment (Unix seconds), NULL for one that was not taken back.

ALTER TABLE message ADD COLUMN withdrawn REAL;

DROP TRIGGER message_once;
CREATE TRIGGER message_once BEFORE UPDATE ON message
WHEN OLD.turn_id IS NOT NULL OR OLD.withdrawn IS NOT NULL OR NEW.id <> OLD.id
    OR NEW.session_id <> OLD.session_id
    OR (NEW.turn_id IS NOT NULL AND NEW.withdrawn IS NOT NULL)
BEGIN
    SELECT CASE
        WHEN OLD.withdrawn IS NOT NULL
            THEN RAISE(ABORT, 'You took this message back already.')
        ELSE RAISE(ABORT, 'The message went to the model already.')
    END;
END;
