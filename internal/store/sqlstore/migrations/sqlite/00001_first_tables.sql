-- +goose Up

-- Times are microseconds since 1970 in UTC; NULL where the noun says "zero
-- until". Lists are JSON arrays. Identifiers of rows begin with their time, so
-- a table ordered by them grows at its end.

CREATE TABLE users (
    id                TEXT    NOT NULL PRIMARY KEY,
    name              TEXT    NOT NULL,
    image             TEXT    NOT NULL,
    roles             TEXT    NOT NULL,
    email_verified_at INTEGER,
    epoch             INTEGER NOT NULL,
    version           INTEGER NOT NULL,
    created_at        INTEGER NOT NULL,
    updated_at        INTEGER NOT NULL,
    disabled_at       INTEGER
) STRICT, WITHOUT ROWID;

-- Addresses and user names in one table: neither may shadow the other.
CREATE TABLE identifiers (
    value   TEXT NOT NULL PRIMARY KEY,
    kind    TEXT NOT NULL CHECK (kind IN ('email', 'username')),
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX identifiers_by_user ON identifiers (user_id, kind);

CREATE TABLE passwords (
    user_id     TEXT    NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    hash        TEXT    NOT NULL,
    must_change INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    id           TEXT    NOT NULL PRIMARY KEY,
    user_id      TEXT    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    mount        TEXT    NOT NULL,
    epoch        INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    absolute_end INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    methods      TEXT    NOT NULL,
    address      TEXT    NOT NULL,
    user_agent   TEXT    NOT NULL,
    ended_at     INTEGER,
    end_reason   TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_by_user ON sessions (user_id, created_at);
CREATE INDEX sessions_by_absolute_end ON sessions (absolute_end);
CREATE INDEX sessions_by_ended_at ON sessions (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE challenges (
    id          TEXT    NOT NULL PRIMARY KEY,
    user_id     TEXT    REFERENCES users (id) ON DELETE CASCADE,
    kind        TEXT    NOT NULL,
    epoch       INTEGER NOT NULL,
    secret_hash TEXT    NOT NULL,
    data        BLOB    NOT NULL,
    tries_left  INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX challenges_by_user ON challenges (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX challenges_by_expires_at ON challenges (expires_at);

CREATE TABLE invitations (
    id          TEXT    NOT NULL PRIMARY KEY,
    secret_hash TEXT    NOT NULL,
    roles       TEXT    NOT NULL,
    note        TEXT    NOT NULL,
    uses_left   INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX invitations_by_expires_at ON invitations (expires_at);

CREATE TABLE counters (
    key      TEXT    NOT NULL PRIMARY KEY,
    failures INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    last_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX counters_by_last_at ON counters (last_at);

-- Events outlive the users they speak of: no reference.
CREATE TABLE events (
    id         TEXT    NOT NULL PRIMARY KEY,
    at         INTEGER NOT NULL,
    type       TEXT    NOT NULL,
    actor      TEXT    NOT NULL,
    user_id    TEXT    NOT NULL,
    session_id TEXT    NOT NULL,
    address    TEXT    NOT NULL,
    detail     TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX events_by_at ON events (at);
CREATE INDEX events_by_user ON events (user_id, at) WHERE user_id <> '';

-- AUTOINCREMENT: a seq is never given twice, not even after all rows are
-- purged, so a follower's position stays good.
CREATE TABLE changes (
    seq        INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    kind       TEXT    NOT NULL,
    session_id TEXT    NOT NULL,
    user_id    TEXT    NOT NULL,
    value      INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    until      INTEGER NOT NULL
) STRICT;

CREATE INDEX changes_by_until ON changes (until);
