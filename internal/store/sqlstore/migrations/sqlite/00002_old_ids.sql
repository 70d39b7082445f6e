-- +goose Up

-- What users were called by the program whose place Gatehouse takes. An ID is
-- good at one mount: two applications may both have a user "1".
CREATE TABLE old_ids (
    mount   TEXT    NOT NULL,
    value   TEXT    NOT NULL,
    user_id TEXT    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    main    INTEGER NOT NULL,
    PRIMARY KEY (mount, value)
) STRICT, WITHOUT ROWID;

CREATE INDEX old_ids_by_user ON old_ids (user_id);
CREATE UNIQUE INDEX old_ids_main ON old_ids (user_id, mount) WHERE main = 1;

-- Old IDs of users who were deleted. Whoever is imported with such an ID is not
-- who was meant by the cookies that are about: none of them is taken.
CREATE TABLE gone_old_ids (
    mount TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (mount, value)
) STRICT, WITHOUT ROWID;

-- Since when cookies that the application itself sealed for the user are taken
-- for nobody's.
ALTER TABLE users ADD COLUMN adoption_refused_at INTEGER;

-- What the application sees as the user's ID; empty means the user's own ID.
ALTER TABLE sessions ADD COLUMN subject TEXT NOT NULL DEFAULT '';

-- Which installation this is. It is part of the key of session facts, so that a
-- cookie of another installation with the same secrets and the same users, such
-- as the one these were exported from, says nothing here.
CREATE TABLE installation (
    id TEXT NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;

INSERT INTO installation (id) VALUES (lower(hex(randomblob(16))));
