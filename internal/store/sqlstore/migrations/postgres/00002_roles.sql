-- +goose Up

-- Roles that are made at run time; those of the settings are not here.
CREATE TABLE roles (
    name        TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    description TEXT   NOT NULL,
    permissions TEXT   NOT NULL,
    inherits    TEXT   NOT NULL,
    version     BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL
);

-- users.roles turned round. The database keeps it, so that it is right whoever
-- writes users: also the release before this one, on another server.
CREATE TABLE role_holders (
    role    TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    PRIMARY KEY (role, user_id)
);

CREATE INDEX role_holders_by_user ON role_holders (user_id);

-- Nobody writes users between the filling and the trigger.
LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE;

INSERT INTO role_holders (role, user_id)
    SELECT DISTINCT held.value, users.id FROM users, jsonb_array_elements_text(users.roles::jsonb) AS held (value) WHERE users.roles <> '[]';

-- +goose StatementBegin
CREATE FUNCTION keep_role_holders() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        DELETE FROM role_holders WHERE user_id = NEW.id;
    END IF;
    INSERT INTO role_holders (role, user_id) SELECT DISTINCT held.value, NEW.id FROM jsonb_array_elements_text(NEW.roles::jsonb) AS held (value);
    RETURN NULL;
END
$$;
-- +goose StatementEnd

CREATE TRIGGER role_holders_of_new AFTER INSERT ON users FOR EACH ROW
    WHEN (NEW.roles <> '[]') EXECUTE FUNCTION keep_role_holders();

CREATE TRIGGER role_holders_of_changed AFTER UPDATE OF roles ON users FOR EACH ROW
    WHEN (NEW.roles IS DISTINCT FROM OLD.roles) EXECUTE FUNCTION keep_role_holders();
