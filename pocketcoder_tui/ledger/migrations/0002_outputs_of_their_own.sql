-- What a command printed gets a table of its own, so that it can be pruned while its event stays:
-- the event holds the output's sha256 and length. ledger/migrating.py moves the outputs there are.
-- The next migration puts event_update back.

DROP TRIGGER event_update;

-- text is a JSON list in ASCII (ledger/packing.py); NULL once it was pruned, and then pruned is the
-- number of the audit record that says so.
CREATE TABLE output (
    seq INTEGER PRIMARY KEY REFERENCES event (seq),
    text TEXT,
    pruned INTEGER,
    CHECK ((text IS NULL) = (pruned IS NOT NULL))
) STRICT;
