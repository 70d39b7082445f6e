-- +goose Up

-- What was made at whose request: hashes alone, and the name of what was made.
CREATE TABLE creations (
    key     TEXT    NOT NULL PRIMARY KEY,
    request TEXT    NOT NULL,
    made    TEXT    NOT NULL,
    until   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX creations_by_until ON creations (until);
