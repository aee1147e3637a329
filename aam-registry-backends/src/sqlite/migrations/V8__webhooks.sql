-- oldest release: 0.2.0
-- Jobs that are done and kept for a while, and the webhooks of scopes.
ALTER TABLE jobs ADD COLUMN done_at INTEGER;
DROP INDEX jobs_due;
CREATE INDEX jobs_due ON jobs (kind, due_at) WHERE failed_at IS NULL AND done_at IS NULL;
CREATE INDEX jobs_kind ON jobs (kind, created_at, id);
CREATE INDEX jobs_ended ON jobs (COALESCE(done_at, failed_at), kind)
    WHERE COALESCE(done_at, failed_at) IS NOT NULL;

CREATE TABLE scope_webhooks (
    -- A UUID.
    id              TEXT PRIMARY KEY,
    scope           TEXT NOT NULL REFERENCES scopes (name),
    url             TEXT NOT NULL,
    -- Encrypted.
    secret          TEXT NOT NULL,
    -- A JSON array of text.
    events          TEXT NOT NULL,
    created_at      INTEGER NOT NULL,
    -- Since when every delivery has failed.
    failing_since   INTEGER,
    disabled_at     INTEGER,
    disabled_reason TEXT
) WITHOUT ROWID;
CREATE INDEX scope_webhooks_scope ON scope_webhooks (scope, created_at, id);
