-- oldest release: 0.2.0
-- What users report to the moderators.
CREATE TABLE reports (
    -- Later ones sort after earlier ones.
    id         UUID PRIMARY KEY,
    package    TEXT COLLATE "C" NOT NULL,
    version    TEXT,
    category   TEXT NOT NULL,
    text       TEXT NOT NULL,
    -- Users, who may be gone.
    reporter   UUID NOT NULL,
    created_at BIGINT NOT NULL,
    closed_at  BIGINT,
    closed_by  UUID,
    comment    TEXT
);
CREATE INDEX reports_open ON reports (id) WHERE closed_at IS NULL;
CREATE INDEX reports_closed ON reports (id) WHERE closed_at IS NOT NULL;
CREATE INDEX reports_reporter ON reports (reporter) WHERE closed_at IS NULL;

-- The last result of each eval of a version.
CREATE TABLE eval_results (
    version_id  BIGINT NOT NULL REFERENCES versions (id),
    name        TEXT COLLATE "C" NOT NULL,
    status      TEXT NOT NULL,
    -- A JSON object.
    metrics     TEXT NOT NULL,
    run_at      BIGINT NOT NULL,
    runner      TEXT,
    -- A JSON object.
    environment TEXT,
    recorded_at BIGINT NOT NULL,
    PRIMARY KEY (version_id, name)
);

-- The evals that a version has to pass before a dist-tag may name it.
CREATE TABLE tag_gates (
    package_id BIGINT NOT NULL REFERENCES packages (id),
    tag        TEXT COLLATE "C" NOT NULL,
    -- A JSON array of text.
    evals      TEXT NOT NULL,
    PRIMARY KEY (package_id, tag)
);
