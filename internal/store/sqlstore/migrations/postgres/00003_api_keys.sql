-- +goose Up

-- Keys of programs: of a user, or, where user_id is NULL, of a service. The
-- hash of the secret is all that is kept of it.
CREATE TABLE api_keys (
    id            TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    environment   TEXT    NOT NULL,
    name          TEXT    NOT NULL,
    user_id       TEXT COLLATE "C" REFERENCES users (id) ON DELETE CASCADE,
    epoch         BIGINT NOT NULL,
    created_by    TEXT    NOT NULL,
    roles         TEXT    NOT NULL,
    scopes        TEXT    NOT NULL,
    networks      TEXT    NOT NULL,
    rate_requests BIGINT NOT NULL,
    rate_period   BIGINT NOT NULL,
    secret_hash   TEXT COLLATE "C" NOT NULL,
    replaced_by   TEXT COLLATE "C" NOT NULL,
    version       BIGINT NOT NULL,
    created_at    BIGINT NOT NULL,
    expires_at    BIGINT NOT NULL,
    last_used_at  BIGINT,
    revoked_at    BIGINT
);

CREATE INDEX api_keys_by_user ON api_keys (user_id, id) WHERE user_id IS NOT NULL;
CREATE INDEX api_keys_of_services ON api_keys (id) WHERE user_id IS NULL;
CREATE INDEX api_keys_by_expires_at ON api_keys (expires_at);
CREATE INDEX api_keys_by_revoked_at ON api_keys (revoked_at) WHERE revoked_at IS NOT NULL;
