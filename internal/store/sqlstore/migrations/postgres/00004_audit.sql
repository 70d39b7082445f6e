-- +goose Up

-- See migrations/sqlite/00007_audit.sql.
ALTER TABLE events
    ADD COLUMN subject   TEXT NOT NULL DEFAULT '',
    ADD COLUMN client    TEXT NOT NULL DEFAULT '',
    ADD COLUMN agent     TEXT NOT NULL DEFAULT '',
    ADD COLUMN result    TEXT NOT NULL DEFAULT '',
    ADD COLUMN seq       BIGINT,
    ADD COLUMN mac       TEXT NOT NULL DEFAULT '',
    ADD COLUMN chain_key TEXT NOT NULL DEFAULT '';

CREATE UNIQUE INDEX events_by_seq ON events (seq) WHERE seq IS NOT NULL;
CREATE INDEX events_unchained ON events (id) WHERE seq IS NULL;
CREATE INDEX events_by_actor ON events (actor, at, id) WHERE actor <> '' AND actor <> user_id;
CREATE INDEX events_by_type ON events (type, at, id) WHERE type NOT IN ('signin.succeeded', 'signin.failed', 'signin.throttled', 'session.signed_out', 'session.rotated', 'family.started', 'family.ended');

-- Every row is written twice, the second time to be chained.
ALTER TABLE events SET (autovacuum_vacuum_scale_factor = 0.05);

CREATE TABLE event_marks (
    name      TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    seq       BIGINT NOT NULL,
    mac       TEXT   NOT NULL,
    at        BIGINT NOT NULL,
    sign      TEXT   NOT NULL,
    chain_key TEXT   NOT NULL
);

INSERT INTO event_marks (name, seq, mac, at, sign, chain_key) VALUES
    ('beginning', 0, '', 0, '', ''), ('checkpoint', 0, '', 0, '', ''), ('head', 0, '', 0, '', '');

-- +goose StatementBegin
CREATE FUNCTION events_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF OLD.seq IS NULL AND (NEW.id, NEW.at, NEW.type, NEW.actor, NEW.user_id, NEW.session_id, NEW.subject, NEW.client, NEW.address, NEW.agent, NEW.detail, NEW.result)
            = (OLD.id, OLD.at, OLD.type, OLD.actor, OLD.user_id, OLD.session_id, OLD.subject, OLD.client, OLD.address, OLD.agent, OLD.detail, OLD.result) THEN
            RETURN NEW;
        END IF;
        RAISE EXCEPTION 'events are never changed';
    END IF;
    IF TG_OP = 'DELETE' AND OLD.seq <= (SELECT seq FROM event_marks WHERE name = 'checkpoint') THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'events are removed by retention alone';
END
$$;
-- +goose StatementEnd

CREATE TRIGGER events_kept BEFORE UPDATE OR DELETE ON events FOR EACH ROW EXECUTE FUNCTION events_kept();
CREATE TRIGGER events_not_emptied BEFORE TRUNCATE ON events FOR EACH STATEMENT EXECUTE FUNCTION events_kept();
