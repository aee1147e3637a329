-- The batches of downloads that were added lately, so that each counts once.
CREATE TABLE download_batches (
    id          TEXT PRIMARY KEY,
    gathered_at BIGINT NOT NULL
);
CREATE INDEX download_batches_gathered ON download_batches (gathered_at);
