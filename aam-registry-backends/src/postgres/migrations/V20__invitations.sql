-- oldest release: 0.2.0
-- Invitations to make an account.
CREATE TABLE invitations (
    id         UUID PRIMARY KEY,
    digest     BYTEA NOT NULL UNIQUE,
    -- The e-mail address that the account has to have; NULL for any.
    email      TEXT,
    -- A JSON array of roles, and a JSON object of roles in scopes.
    roles      TEXT NOT NULL,
    scopes     TEXT NOT NULL,
    invited_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX invitations_expire ON invitations (expires_at);
