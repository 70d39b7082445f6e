-- +goose Up

-- The server that follows the feed, and how far it has come: there is one at
-- most. It is written when the server has read rows, not at every look.
CREATE TABLE nodes (
    id            TEXT    NOT NULL PRIMARY KEY,
    name          TEXT    NOT NULL,
    started_at    INTEGER NOT NULL,
    beat_at       INTEGER NOT NULL,
    max_staleness INTEGER NOT NULL,
    keys          TEXT    NOT NULL,
    secrets       INTEGER NOT NULL,
    applied       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
