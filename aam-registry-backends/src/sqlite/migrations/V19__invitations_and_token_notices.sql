-- oldest release: 0.2.0
-- Invitations to make an account.
CREATE TABLE invitations (
    id         TEXT PRIMARY KEY,
    digest     BLOB NOT NULL UNIQUE,
    -- The e-mail address that the account has to have; NULL for any.
    email      TEXT,
    -- A JSON array of roles, and a JSON object of roles in scopes.
    roles      TEXT NOT NULL,
    scopes     TEXT NOT NULL,
    invited_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
);
CREATE INDEX invitations_expire ON invitations (expires_at);
CREATE INDEX invitations_listed ON invitations (created_at, id);
-- Whether the user of a token was told by mail that it ends soon, and that it is not used any more.
ALTER TABLE tokens ADD COLUMN end_told BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE tokens ADD COLUMN stale_told BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX tokens_end ON tokens (expires_at) WHERE revoked_at IS NULL AND NOT end_told;
CREATE INDEX tokens_unused ON tokens (coalesce(last_used_at, created_at)) WHERE revoked_at IS NULL AND NOT stale_told;
