-- +goose Up

-- The tables of migrations/sqlite, as PostgreSQL has them. Times are
-- microseconds since 1970 in UTC; NULL where the noun says "zero until". Lists
-- are JSON arrays. Texts that are compared or ordered go by their bytes, as on
-- SQLite, whatever the database's own order is.

CREATE TABLE users (
    id                  TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name                TEXT    NOT NULL,
    image               TEXT    NOT NULL,
    roles               TEXT    NOT NULL,
    email_verified_at   BIGINT,
    epoch               BIGINT  NOT NULL,
    version             BIGINT  NOT NULL,
    created_at          BIGINT  NOT NULL,
    updated_at          BIGINT  NOT NULL,
    disabled_at         BIGINT,
    adoption_refused_at BIGINT
);

-- Addresses and user names in one table: neither may shadow the other.
CREATE TABLE identifiers (
    value   TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    kind    TEXT COLLATE "C" NOT NULL CHECK (kind IN ('email', 'username')),
    user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE
);

CREATE UNIQUE INDEX identifiers_by_user ON identifiers (user_id, kind);

CREATE TABLE passwords (
    user_id     TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    hash        TEXT COLLATE "C" NOT NULL,
    must_change BOOLEAN NOT NULL,
    updated_at  BIGINT  NOT NULL
);

CREATE TABLE old_ids (
    mount   TEXT COLLATE "C" NOT NULL,
    value   TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    main    BOOLEAN NOT NULL,
    PRIMARY KEY (mount, value)
);

CREATE INDEX old_ids_by_user ON old_ids (user_id);
CREATE UNIQUE INDEX old_ids_main ON old_ids (user_id, mount) WHERE main;

CREATE TABLE gone_old_ids (
    mount TEXT COLLATE "C" NOT NULL,
    value TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (mount, value)
);

CREATE TABLE sessions (
    id           TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    user_id      TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    mount        TEXT    NOT NULL,
    subject      TEXT    NOT NULL,
    epoch        BIGINT  NOT NULL,
    created_at   BIGINT  NOT NULL,
    absolute_end BIGINT  NOT NULL,
    last_seen_at BIGINT  NOT NULL,
    methods      TEXT    NOT NULL,
    address      TEXT    NOT NULL,
    user_agent   TEXT    NOT NULL,
    ended_at     BIGINT,
    end_reason   TEXT COLLATE "C" NOT NULL,
    secret_hash  TEXT    NOT NULL,
    data         TEXT    NOT NULL,
    version      BIGINT  NOT NULL,
    tokens_only  INTEGER NOT NULL
);

CREATE INDEX sessions_by_user ON sessions (user_id, created_at);
CREATE INDEX sessions_by_absolute_end ON sessions (absolute_end);
CREATE INDEX sessions_by_ended_at ON sessions (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE families (
    id           TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    user_id      TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    session_id   TEXT COLLATE "C" NOT NULL,
    subject      TEXT    NOT NULL,
    client_id    TEXT    NOT NULL,
    mount        TEXT    NOT NULL,
    audiences    TEXT    NOT NULL,
    scopes       TEXT    NOT NULL,
    offline      INTEGER NOT NULL,
    epoch        BIGINT  NOT NULL,
    methods      TEXT    NOT NULL,
    key_id       TEXT    NOT NULL,
    salt         BYTEA   NOT NULL,
    generation   BIGINT  NOT NULL,
    rotated_at   BIGINT  NOT NULL,
    retries      BIGINT  NOT NULL,
    proven_at    BIGINT  NOT NULL,
    created_at   BIGINT  NOT NULL,
    absolute_end BIGINT  NOT NULL,
    ended_at     BIGINT,
    end_reason   TEXT COLLATE "C" NOT NULL
);

CREATE INDEX families_by_user ON families (user_id, created_at);
CREATE INDEX families_by_session ON families (session_id) WHERE session_id <> '';
CREATE INDEX families_by_absolute_end ON families (absolute_end);
CREATE INDEX families_by_ended_at ON families (ended_at) WHERE ended_at IS NOT NULL;

-- There are few of them.
CREATE TABLE keys (
    id          TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    algorithm   TEXT COLLATE "C" NOT NULL,
    state       TEXT COLLATE "C" NOT NULL,
    public      TEXT   NOT NULL,
    private     BYTEA  NOT NULL,
    created_at  BIGINT NOT NULL,
    active_at   BIGINT,
    retiring_at BIGINT,
    retired_at  BIGINT
);

-- Two servers that start at once must not make two keys that sign.
CREATE UNIQUE INDEX keys_alone ON keys (algorithm, state) WHERE state IN ('next', 'active');

CREATE TABLE challenges (
    id          TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    user_id     TEXT COLLATE "C" REFERENCES users (id) ON DELETE CASCADE,
    kind        TEXT COLLATE "C" NOT NULL,
    epoch       BIGINT NOT NULL,
    secret_hash TEXT COLLATE "C" NOT NULL,
    data        BYTEA  NOT NULL,
    tries_left  BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL
);

CREATE INDEX challenges_by_user ON challenges (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX challenges_by_expires_at ON challenges (expires_at);

CREATE TABLE invitations (
    id          TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    secret_hash TEXT COLLATE "C" NOT NULL,
    roles       TEXT   NOT NULL,
    note        TEXT   NOT NULL,
    uses_left   BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL
);

CREATE INDEX invitations_by_expires_at ON invitations (expires_at);
CREATE INDEX invitations_by_created_at ON invitations (created_at, id);

CREATE TABLE counters (
    key      TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    failures BIGINT NOT NULL,
    first_at BIGINT NOT NULL,
    last_at  BIGINT NOT NULL
);

CREATE INDEX counters_by_last_at ON counters (last_at);

-- Events outlive the users they speak of: no reference.
CREATE TABLE events (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    at         BIGINT NOT NULL,
    type       TEXT   NOT NULL,
    actor      TEXT   NOT NULL,
    user_id    TEXT COLLATE "C" NOT NULL,
    session_id TEXT   NOT NULL,
    address    TEXT   NOT NULL,
    detail     TEXT   NOT NULL
);

CREATE INDEX events_by_at ON events (at, id);
CREATE INDEX events_by_user ON events (user_id, at, id) WHERE user_id <> '';

-- seq is a name and no order: transactions commit in another one than they took
-- it. xid is the transaction that wrote the row, the outermost one, by which the
-- follower knows what it may still have to wait for.
CREATE TABLE changes (
    seq        BIGINT NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    xid        XID8   NOT NULL DEFAULT pg_current_xact_id(),
    kind       TEXT   NOT NULL,
    session_id TEXT   NOT NULL,
    user_id    TEXT   NOT NULL,
    family_id  TEXT   NOT NULL,
    key_id     TEXT   NOT NULL,
    value      BIGINT NOT NULL,
    at         BIGINT NOT NULL,
    until      BIGINT NOT NULL
);

CREATE INDEX changes_by_xid ON changes (xid);
CREATE INDEX changes_by_until ON changes (until);

-- The servers that follow the feed. applied is the snapshot whose rows a server
-- has taken in, incarnation the life of the database server that it is of:
-- numbers of transactions mean something in one life alone.
CREATE TABLE nodes (
    id            TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name          TEXT    NOT NULL,
    started_at    BIGINT  NOT NULL,
    beat_at       BIGINT  NOT NULL,
    max_staleness BIGINT  NOT NULL,
    keys          TEXT    NOT NULL,
    secrets       BIGINT  NOT NULL,
    applied       PG_SNAPSHOT NOT NULL,
    incarnation   TEXT    NOT NULL
);

-- Which installation this is. Transactions that have lost a race repeatedly
-- take turns by locking this table.
CREATE TABLE installation (
    id TEXT NOT NULL PRIMARY KEY
);

INSERT INTO installation (id) VALUES (replace(gen_random_uuid()::text, '-', ''));
