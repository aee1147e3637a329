-- oldest release: 0.2.0
-- Who may publish a package without a stored secret, and their tokens.
CREATE TABLE trusted_publishers (
    id         UUID PRIMARY KEY,
    -- The full name of a package, which need not exist, and the scope in it.
    package    TEXT COLLATE "C" NOT NULL,
    scope      TEXT COLLATE "C",
    issuer     TEXT COLLATE "C" NOT NULL,
    preset     TEXT NOT NULL,
    -- JSON objects of text.
    claims     TEXT NOT NULL,
    pinned     TEXT NOT NULL,
    -- The claim that it is found by.
    anchor     TEXT COLLATE "C" NOT NULL,
    pending    BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    created_by UUID NOT NULL REFERENCES users (id)
);
CREATE INDEX trusted_publishers_package ON trusted_publishers (package, created_at, id);
CREATE INDEX trusted_publishers_anchor ON trusted_publishers (issuer, anchor, created_at, id);
CREATE INDEX trusted_publishers_pending ON trusted_publishers (created_by) WHERE pending;

CREATE TABLE publisher_tokens (
    id           UUID PRIMARY KEY,
    publisher_id UUID NOT NULL REFERENCES trusted_publishers (id) ON DELETE CASCADE,
    -- The SHA-256 of the secret.
    secret       BYTEA NOT NULL UNIQUE,
    name         TEXT NOT NULL,
    expires_at   BIGINT NOT NULL
);
CREATE INDEX publisher_tokens_publisher ON publisher_tokens (publisher_id);
CREATE INDEX publisher_tokens_expiry ON publisher_tokens (expires_at);

CREATE TABLE used_id_tokens (
    digest     BYTEA PRIMARY KEY,
    -- Until when it has to be remembered.
    expires_at BIGINT NOT NULL
);
CREATE INDEX used_id_tokens_expiry ON used_id_tokens (expires_at);

ALTER TABLE packages ADD COLUMN trusted_only BOOLEAN NOT NULL DEFAULT FALSE;
-- The name of the trusted publisher; `published_by` is the user who added it.
ALTER TABLE versions ADD COLUMN publisher TEXT;
