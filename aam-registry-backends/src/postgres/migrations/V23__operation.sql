-- oldest release: 0.2.0
-- All locks come first, in the order in which changes take them.
LOCK TABLE tokens, versions, download_days, reports, jobs IN SHARE ROW EXCLUSIVE MODE;

-- The read-only mode that the registry is in; no row for none.
CREATE TABLE read_only_mode (
    id     INTEGER PRIMARY KEY CHECK (id = 1),
    since  BIGINT NOT NULL,
    set_by TEXT NOT NULL,
    reason TEXT
);

-- What versions depend on, to find who depends on a package.
CREATE TABLE version_dependencies (
    -- The full name of a package, which need not exist.
    name        TEXT COLLATE "C" NOT NULL,
    version_id  BIGINT NOT NULL REFERENCES versions (id),
    -- A constraint.
    requirement TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (name, version_id)
);
INSERT INTO version_dependencies (name, version_id, requirement)
SELECT d.key, v.id, d.value FROM versions v, json_each_text(v.dependencies::json) d;
-- Not so for versions that a server of an older release publishes during a rollout: they are listed later.
ALTER TABLE versions ADD COLUMN dependencies_listed BOOLEAN NOT NULL DEFAULT TRUE;
ALTER TABLE versions ALTER COLUMN dependencies_listed SET DEFAULT FALSE;
CREATE INDEX versions_unlisted ON versions (id) WHERE NOT dependencies_listed;

-- The oldest rows of what is deleted after some time.
CREATE INDEX download_days_day ON download_days (day);
CREATE INDEX tokens_revoked ON tokens (revoked_at) WHERE revoked_at IS NOT NULL;
CREATE INDEX tokens_expiry ON tokens (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX reports_closed_at ON reports (closed_at) WHERE closed_at IS NOT NULL;
CREATE INDEX jobs_given_up ON jobs (failed_at) WHERE failed_at IS NOT NULL;
