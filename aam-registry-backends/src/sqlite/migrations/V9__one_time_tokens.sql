-- oldest release: 0.2.0
-- Tokens that were sent to users, and work once.
CREATE TABLE one_time_tokens (
    -- The SHA-256 of the secret.
    digest     BLOB PRIMARY KEY,
    user_id    TEXT NOT NULL REFERENCES users (id),
    purpose    TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX one_time_tokens_user ON one_time_tokens (user_id, purpose);
CREATE INDEX one_time_tokens_expiry ON one_time_tokens (expires_at);
