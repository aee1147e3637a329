-- oldest release: 0.2.0
-- Counting the jobs that were given up, and the webhooks of the operator that failed.
CREATE INDEX jobs_failed ON jobs (kind, failed_at) WHERE failed_at IS NOT NULL;

CREATE TABLE operator_webhooks (
    name            TEXT PRIMARY KEY,
    -- A digest of the configuration that failed; with another one it counts as new.
    configuration   TEXT NOT NULL,
    -- Since when every delivery has failed.
    failing_since   INTEGER,
    disabled_at     INTEGER,
    disabled_reason TEXT
) WITHOUT ROWID;
