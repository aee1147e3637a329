-- oldest release: 0.2.0
-- Where a version stands: `approved`, `pending` or `rejected`, and behind that `quarantined` or `removed`.
ALTER TABLE versions ADD COLUMN status TEXT NOT NULL DEFAULT 'approved';
-- The dist-tag that will name the version once it is approved.
ALTER TABLE versions ADD COLUMN wanted_tag TEXT;
DROP INDEX versions_order;
CREATE INDEX versions_order ON versions (package_id, id, version, yanked_at, status);
-- The few versions that not everybody sees.
CREATE INDEX versions_withheld ON versions (package_id) WHERE status <> 'approved';
CREATE INDEX versions_withheld_publisher ON versions (published_by, id) WHERE status <> 'approved';
CREATE INDEX versions_undecided ON versions (status, id) WHERE status <> 'approved';

-- Decisions about versions.
CREATE TABLE approvals (
    id         INTEGER PRIMARY KEY,
    version_id INTEGER NOT NULL REFERENCES versions (id),
    approver   TEXT NOT NULL REFERENCES users (id),
    status     TEXT NOT NULL,
    comment    TEXT,
    created_at BIGINT NOT NULL
);
CREATE INDEX approvals_version ON approvals (version_id, id);

-- Quarantines, those that were lifted too.
CREATE TABLE recalls (
    id         INTEGER PRIMARY KEY,
    version_id INTEGER NOT NULL REFERENCES versions (id),
    category   TEXT NOT NULL,
    reason     TEXT NOT NULL,
    at         BIGINT NOT NULL,
    moderator  TEXT NOT NULL REFERENCES users (id),
    lifted_at  BIGINT,
    -- When it was made or, later, lifted.
    changed_at BIGINT NOT NULL
);
CREATE INDEX recalls_changed ON recalls (changed_at, id);
-- A version is in one quarantine at a time.
CREATE UNIQUE INDEX recalls_open ON recalls (version_id) WHERE lifted_at IS NULL;
