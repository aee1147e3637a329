-- oldest release: 0.2.0
-- Who may publish a package without a stored secret, and their tokens.
CREATE TABLE trusted_publishers (
    -- A UUID.
    id         TEXT PRIMARY KEY,
    -- The full name of a package, which need not exist, and the scope in it.
    package    TEXT NOT NULL,
    scope      TEXT,
    issuer     TEXT NOT NULL,
    preset     TEXT NOT NULL,
    -- JSON objects of text.
    claims     TEXT NOT NULL,
    pinned     TEXT NOT NULL,
    -- The claim that it is found by.
    anchor     TEXT NOT NULL,
    pending    INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL REFERENCES users (id)
) WITHOUT ROWID;
CREATE INDEX trusted_publishers_package ON trusted_publishers (package, created_at, id);
CREATE INDEX trusted_publishers_anchor ON trusted_publishers (issuer, anchor, created_at, id);
CREATE INDEX trusted_publishers_pending ON trusted_publishers (created_by) WHERE pending;

CREATE TABLE publisher_tokens (
    -- A UUID.
    id           TEXT PRIMARY KEY,
    publisher_id TEXT NOT NULL REFERENCES trusted_publishers (id) ON DELETE CASCADE,
    -- The SHA-256 of the secret.
    secret       BLOB NOT NULL UNIQUE,
    name         TEXT NOT NULL,
    expires_at   INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX publisher_tokens_publisher ON publisher_tokens (publisher_id);
CREATE INDEX publisher_tokens_expiry ON publisher_tokens (expires_at);

CREATE TABLE used_id_tokens (
    digest     BLOB PRIMARY KEY,
    -- Until when it has to be remembered.
    expires_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX used_id_tokens_expiry ON used_id_tokens (expires_at);

ALTER TABLE packages ADD COLUMN trusted_only INTEGER NOT NULL DEFAULT 0;
-- The name of the trusted publisher; `published_by` is the user who added it.
ALTER TABLE versions ADD COLUMN publisher TEXT;
