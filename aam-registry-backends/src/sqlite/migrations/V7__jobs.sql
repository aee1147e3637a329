-- oldest release: 0.2.0
-- Work to be done beside the requests: the events of changes, and what follows from them.
CREATE TABLE jobs (
    -- A UUID.
    id         TEXT PRIMARY KEY,
    kind       TEXT NOT NULL,
    -- JSON.
    payload    TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    -- While a job is leased, the end of the lease.
    due_at     INTEGER NOT NULL,
    -- A UUID; that of the last lease, also when it has ended.
    lease      TEXT,
    attempts   INTEGER NOT NULL DEFAULT 0,
    -- When the job was given up.
    failed_at  INTEGER,
    last_error TEXT
) WITHOUT ROWID;
CREATE INDEX jobs_due ON jobs (kind, due_at) WHERE failed_at IS NULL;
