-- +goose Up

-- Sessions whose cookie is no more than an ID and a secret: the hash of that
-- secret, and what the application put in.
ALTER TABLE sessions ADD COLUMN secret_hash TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN data TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN version INTEGER NOT NULL DEFAULT 1;

-- Sessions that were begun for tokens, and of which there is no cookie.
ALTER TABLE sessions ADD COLUMN tokens_only INTEGER NOT NULL DEFAULT 0;

-- Families of refresh tokens. No token can be made from a row: the root key is
-- elsewhere.
CREATE TABLE families (
    id           TEXT    NOT NULL PRIMARY KEY,
    user_id      TEXT    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    session_id   TEXT    NOT NULL,
    subject      TEXT    NOT NULL,
    client_id    TEXT    NOT NULL,
    mount        TEXT    NOT NULL,
    audiences    TEXT    NOT NULL,
    scopes       TEXT    NOT NULL,
    offline      INTEGER NOT NULL,
    epoch        INTEGER NOT NULL,
    methods      TEXT    NOT NULL,
    key_id       TEXT    NOT NULL,
    salt         BLOB    NOT NULL,
    generation   INTEGER NOT NULL,
    rotated_at   INTEGER NOT NULL,
    retries      INTEGER NOT NULL,
    proven_at    INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    absolute_end INTEGER NOT NULL,
    ended_at     INTEGER,
    end_reason   TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX families_by_user ON families (user_id, created_at);
CREATE INDEX families_by_session ON families (session_id) WHERE session_id <> '';
CREATE INDEX families_by_absolute_end ON families (absolute_end);
CREATE INDEX families_by_ended_at ON families (ended_at) WHERE ended_at IS NOT NULL;

-- Signing keys. The private part is sealed under a key that is elsewhere.
CREATE TABLE keys (
    id          TEXT    NOT NULL PRIMARY KEY,
    algorithm   TEXT    NOT NULL,
    state       TEXT    NOT NULL,
    public      TEXT    NOT NULL,
    private     BLOB    NOT NULL,
    created_at  INTEGER NOT NULL,
    active_at   INTEGER,
    retiring_at INTEGER,
    retired_at  INTEGER
) STRICT, WITHOUT ROWID;

-- Two servers that start at once must not make two keys that sign.
CREATE UNIQUE INDEX keys_alone ON keys (algorithm, state) WHERE state IN ('next', 'active');

ALTER TABLE changes ADD COLUMN family_id TEXT NOT NULL DEFAULT '';
ALTER TABLE changes ADD COLUMN key_id TEXT NOT NULL DEFAULT '';
