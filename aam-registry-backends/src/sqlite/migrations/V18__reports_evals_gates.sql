-- oldest release: 0.2.0
-- What users report to the moderators.
CREATE TABLE reports (
    -- A UUID, later ones sort after earlier ones.
    id         TEXT PRIMARY KEY,
    package    TEXT NOT NULL,
    version    TEXT,
    category   TEXT NOT NULL,
    text       TEXT NOT NULL,
    -- Users, who may be gone.
    reporter   TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    closed_at  INTEGER,
    closed_by  TEXT,
    comment    TEXT
) WITHOUT ROWID;
CREATE INDEX reports_open ON reports (id) WHERE closed_at IS NULL;
CREATE INDEX reports_closed ON reports (id) WHERE closed_at IS NOT NULL;
CREATE INDEX reports_reporter ON reports (reporter) WHERE closed_at IS NULL;

-- The last result of each eval of a version.
CREATE TABLE eval_results (
    version_id  INTEGER NOT NULL REFERENCES versions (id),
    name        TEXT NOT NULL,
    status      TEXT NOT NULL,
    -- A JSON object.
    metrics     TEXT NOT NULL,
    run_at      INTEGER NOT NULL,
    runner      TEXT,
    -- A JSON object.
    environment TEXT,
    recorded_at INTEGER NOT NULL,
    PRIMARY KEY (version_id, name)
) WITHOUT ROWID;

-- The evals that a version has to pass before a dist-tag may name it.
CREATE TABLE tag_gates (
    package_id INTEGER NOT NULL REFERENCES packages (id),
    tag        TEXT NOT NULL,
    -- A JSON array of text.
    evals      TEXT NOT NULL,
    PRIMARY KEY (package_id, tag)
) WITHOUT ROWID;
