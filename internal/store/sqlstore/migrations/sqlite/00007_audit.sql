-- +goose Up

-- What an event was done to beside users and sessions, through which application
-- and program, and what came of it.
ALTER TABLE events ADD COLUMN subject TEXT NOT NULL DEFAULT '';
ALTER TABLE events ADD COLUMN client TEXT NOT NULL DEFAULT '';
ALTER TABLE events ADD COLUMN agent TEXT NOT NULL DEFAULT '';
ALTER TABLE events ADD COLUMN result TEXT NOT NULL DEFAULT '';

-- The place in the chain, given after the commit; NULL until then. The previous
-- release inserts rows without one, and they are chained all the same.
ALTER TABLE events ADD COLUMN seq INTEGER;
ALTER TABLE events ADD COLUMN mac TEXT NOT NULL DEFAULT '';
ALTER TABLE events ADD COLUMN chain_key TEXT NOT NULL DEFAULT '';

CREATE UNIQUE INDEX events_by_seq ON events (seq) WHERE seq IS NOT NULL;
CREATE INDEX events_unchained ON events (id) WHERE seq IS NULL;

-- Of what one asks for, these find what lies far apart. What happens all the time
-- is in neither, so that a sign-in costs no more.
CREATE INDEX events_by_actor ON events (actor, at) WHERE actor <> '' AND actor <> user_id;
CREATE INDEX events_by_type ON events (type, at) WHERE type NOT IN ('signin.succeeded', 'signin.failed', 'signin.throttled', 'session.signed_out', 'session.rotated', 'family.started', 'family.ended');

-- Signed places of the chain.
CREATE TABLE event_marks (
    name      TEXT    NOT NULL PRIMARY KEY,
    seq       INTEGER NOT NULL,
    mac       TEXT    NOT NULL,
    at        INTEGER NOT NULL,
    sign      TEXT    NOT NULL,
    chain_key TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO event_marks (name, seq, mac, at, sign, chain_key) VALUES
    ('beginning', 0, '', 0, '', ''), ('checkpoint', 0, '', 0, '', ''), ('head', 0, '', 0, '', '');

-- Against mistakes, and against a server of the release before, whose purge knows
-- no checkpoint; whoever may change the schema is found by the chain.
-- +goose StatementBegin
CREATE TRIGGER events_unchanged BEFORE UPDATE ON events
WHEN OLD.seq IS NOT NULL
    OR NEW.id <> OLD.id
    OR NEW.at <> OLD.at
    OR NEW.type <> OLD.type
    OR NEW.actor <> OLD.actor
    OR NEW.user_id <> OLD.user_id
    OR NEW.session_id <> OLD.session_id
    OR NEW.subject <> OLD.subject
    OR NEW.client <> OLD.client
    OR NEW.address <> OLD.address
    OR NEW.agent <> OLD.agent
    OR NEW.detail <> OLD.detail
    OR NEW.result <> OLD.result
BEGIN
    SELECT RAISE(ABORT, 'events are never changed');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER events_kept BEFORE DELETE ON events
WHEN OLD.seq IS NULL OR OLD.seq > coalesce((SELECT seq FROM event_marks WHERE name = 'checkpoint'), 0)
BEGIN
    SELECT RAISE(ABORT, 'events are removed by retention alone');
END;
-- +goose StatementEnd
