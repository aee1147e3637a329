-- Instants are microseconds since 1970, days ISO dates, digests 32 bytes.

CREATE TABLE schema_compatibility (
    id             INTEGER PRIMARY KEY CHECK (id = 1),
    -- The oldest release of the registry that can work on this schema.
    oldest_release TEXT NOT NULL
);
INSERT INTO schema_compatibility (id, oldest_release) VALUES (1, '0.1.0');

CREATE TABLE users (
    id            TEXT PRIMARY KEY,
    username      TEXT NOT NULL UNIQUE,
    email         TEXT NOT NULL,
    -- The address in lower case: what must be unique.
    email_key     TEXT NOT NULL UNIQUE,
    password_hash TEXT NOT NULL,
    is_admin      BOOLEAN NOT NULL,
    disabled      BOOLEAN NOT NULL,
    created_at    BIGINT NOT NULL
);
CREATE INDEX users_admin ON users (id) WHERE is_admin;

CREATE TABLE scopes (
    name       TEXT PRIMARY KEY,
    created_at BIGINT NOT NULL
);

CREATE TABLE scope_members (
    scope   TEXT NOT NULL REFERENCES scopes (name),
    user_id TEXT NOT NULL REFERENCES users (id),
    role    TEXT NOT NULL,
    PRIMARY KEY (scope, user_id)
);
CREATE INDEX scope_members_user ON scope_members (user_id);

CREATE TABLE revoked_sessions (
    user_id    TEXT NOT NULL REFERENCES users (id),
    id         TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, id)
);
CREATE INDEX revoked_sessions_expiry ON revoked_sessions (expires_at);

CREATE TABLE tokens (
    id           TEXT PRIMARY KEY,
    user_id      TEXT NOT NULL REFERENCES users (id),
    name         TEXT NOT NULL,
    secret       BLOB NOT NULL UNIQUE,
    -- JSON arrays of text.
    scopes       TEXT NOT NULL,
    packages     TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT,
    last_used_at BIGINT,
    revoked_at   BIGINT
);
CREATE INDEX tokens_user ON tokens (user_id);

CREATE TABLE packages (
    id             INTEGER PRIMARY KEY,
    name           TEXT NOT NULL UNIQUE,
    scope          TEXT REFERENCES scopes (name),
    -- Only unscoped packages have one.
    similarity_key TEXT UNIQUE,
    created_at     BIGINT NOT NULL,
    updated_at     BIGINT NOT NULL,
    downloads      BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX packages_scope ON packages (scope, name);

CREATE TABLE package_owners (
    package_id INTEGER NOT NULL REFERENCES packages (id),
    user_id    TEXT NOT NULL REFERENCES users (id),
    PRIMARY KEY (package_id, user_id)
);
CREATE INDEX package_owners_user ON package_owners (user_id);

CREATE TABLE versions (
    -- In the order of publishing.
    id            INTEGER PRIMARY KEY,
    package_id    INTEGER NOT NULL REFERENCES packages (id),
    -- As published, and without build metadata.
    version       TEXT NOT NULL,
    version_key   TEXT NOT NULL,
    published_at  BIGINT NOT NULL,
    published_by  TEXT NOT NULL REFERENCES users (id),
    yanked_at     BIGINT,
    yanked_reason TEXT,
    deprecated    TEXT,
    sha256        BLOB NOT NULL,
    archive       TEXT NOT NULL UNIQUE,
    archive_size  BIGINT NOT NULL,
    downloads     BIGINT NOT NULL DEFAULT 0,
    -- A JSON object from full name to constraint.
    dependencies  TEXT NOT NULL,
    UNIQUE (package_id, version_key)
);
CREATE INDEX versions_order ON versions (package_id, id, version, yanked_at);
CREATE INDEX versions_publisher ON versions (published_by);

-- What few reads need lies apart, so that a page of versions holds many.
CREATE TABLE manifests (
    version_id INTEGER PRIMARY KEY REFERENCES versions (id),
    document   TEXT NOT NULL
);
CREATE TABLE contents (
    version_id INTEGER PRIMARY KEY REFERENCES versions (id),
    -- A JSON array of [path, size, sha256 in hex, executable].
    files      TEXT NOT NULL,
    readme     TEXT
);

CREATE TABLE dist_tags (
    package_id INTEGER NOT NULL REFERENCES packages (id),
    tag        TEXT NOT NULL,
    version_id INTEGER NOT NULL REFERENCES versions (id),
    -- What the policy had picked when an owner set `latest` by hand.
    instead_of TEXT,
    PRIMARY KEY (package_id, tag)
);
CREATE INDEX dist_tags_version ON dist_tags (version_id, tag);

CREATE TABLE uploads (
    id           TEXT PRIMARY KEY,
    user_id      TEXT NOT NULL,
    started_at   BIGINT NOT NULL,
    lease_until  BIGINT NOT NULL,
    abandoned_at BIGINT
);
CREATE INDEX uploads_lease ON uploads (lease_until) WHERE abandoned_at IS NULL;
CREATE INDEX uploads_abandoned ON uploads (abandoned_at) WHERE abandoned_at IS NOT NULL;

CREATE TABLE download_days (
    version_id INTEGER NOT NULL REFERENCES versions (id),
    day        TEXT NOT NULL,
    downloads  BIGINT NOT NULL,
    PRIMARY KEY (version_id, day)
);

-- Counts that the totals of versions and packages do not hold yet.
CREATE TABLE pending_downloads (
    version_id INTEGER PRIMARY KEY REFERENCES versions (id),
    downloads  BIGINT NOT NULL
);

-- Counting a million rows takes too long for a gauge.
CREATE TABLE registry_totals (
    id            INTEGER PRIMARY KEY CHECK (id = 1),
    packages      BIGINT NOT NULL,
    versions      BIGINT NOT NULL,
    users         BIGINT NOT NULL,
    downloads     BIGINT NOT NULL,
    storage_bytes BIGINT NOT NULL
);
INSERT INTO registry_totals (id, packages, versions, users, downloads, storage_bytes) VALUES (1, 0, 0, 0, 0, 0);

CREATE TABLE audit_log (
    -- The order of the append; never given twice.
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    entry_id  TEXT NOT NULL UNIQUE,
    event     TEXT NOT NULL,
    actor     TEXT,
    package   TEXT,
    version   TEXT,
    timestamp BIGINT NOT NULL,
    -- A JSON object.
    metadata  TEXT NOT NULL,
    position  BIGINT UNIQUE,
    hash      BLOB
);
CREATE INDEX audit_log_loose ON audit_log (id) WHERE position IS NULL;
CREATE INDEX audit_log_package ON audit_log (package, id);
CREATE INDEX audit_log_event ON audit_log (event, id);
CREATE INDEX audit_log_actor ON audit_log (actor, id);
CREATE INDEX audit_log_time ON audit_log (timestamp, id);

-- The last link of the audit log's hash chain.
CREATE TABLE audit_chain (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    position BIGINT NOT NULL,
    hash     BLOB NOT NULL
);
INSERT INTO audit_chain (id, position, hash) VALUES (1, 0, zeroblob(32));

-- What search shows: one row for each package that has a `latest`.
CREATE TABLE listings (
    package_id     INTEGER PRIMARY KEY REFERENCES packages (id),
    name           TEXT NOT NULL UNIQUE,
    bare_name      TEXT NOT NULL,
    scope          TEXT NOT NULL,
    description    TEXT NOT NULL,
    author         TEXT,
    latest_version TEXT NOT NULL,
    -- A JSON array of text.
    keywords       TEXT NOT NULL,
    -- A bit for each type, in the order manifests list them.
    artifact_types INTEGER NOT NULL,
    downloads      BIGINT NOT NULL,
    -- The factor by which downloads raise the text rank; at least 1.
    popularity     DOUBLE PRECISION NOT NULL,
    updated_at     BIGINT NOT NULL
);
CREATE INDEX listings_bare_name ON listings (bare_name);
CREATE INDEX listings_scope ON listings (scope, name);
CREATE INDEX listings_downloads ON listings (downloads DESC, name);
CREATE INDEX listings_updated ON listings (updated_at DESC, name);

CREATE TABLE listing_keywords (
    keyword    TEXT NOT NULL,
    package_id INTEGER NOT NULL REFERENCES packages (id),
    PRIMARY KEY (keyword, package_id)
);
CREATE INDEX listing_keywords_package ON listing_keywords (package_id);

-- The words of listed packages, by package id; the texts themselves are not kept twice.
CREATE VIRTUAL TABLE listing_text USING fts5 (
    name, keywords, artifacts, description, author,
    content = '', contentless_delete = 1, prefix = '2 3', tokenize = 'unicode61 remove_diacritics 2'
);

-- Every word ever listed, to find what a typo was meant to be.
CREATE TABLE words (
    word TEXT PRIMARY KEY
) WITHOUT ROWID;
