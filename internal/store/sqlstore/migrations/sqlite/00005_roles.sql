-- +goose Up

-- Roles that are made at run time; those of the settings are not here.
CREATE TABLE roles (
    name        TEXT    NOT NULL PRIMARY KEY,
    description TEXT    NOT NULL,
    permissions TEXT    NOT NULL,
    inherits    TEXT    NOT NULL,
    version     INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- users.roles turned round. The database keeps it, so that it is right whoever
-- writes users: also the release before this one, on another server.
CREATE TABLE role_holders (
    role    TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    PRIMARY KEY (role, user_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX role_holders_by_user ON role_holders (user_id);

INSERT INTO role_holders (role, user_id)
    SELECT DISTINCT held.value, users.id FROM users, json_each(users.roles) AS held WHERE users.roles <> '[]';

-- +goose StatementBegin
CREATE TRIGGER role_holders_of_new AFTER INSERT ON users WHEN NEW.roles <> '[]' BEGIN
    INSERT INTO role_holders (role, user_id) SELECT DISTINCT value, NEW.id FROM json_each(NEW.roles);
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER role_holders_of_changed AFTER UPDATE OF roles ON users WHEN NEW.roles <> OLD.roles BEGIN
    DELETE FROM role_holders WHERE user_id = NEW.id;
    INSERT INTO role_holders (role, user_id) SELECT DISTINCT value, NEW.id FROM json_each(NEW.roles);
END;
-- +goose StatementEnd
