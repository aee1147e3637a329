-- oldest release: 0.2.0
-- The second factors of accounts.
CREATE TABLE second_factors (
    user_id        TEXT PRIMARY KEY REFERENCES users (id),
    -- The seed, encrypted.
    secret         TEXT NOT NULL,
    confirmed      BOOLEAN NOT NULL,
    -- The step of 30 seconds whose code was last used.
    last_step      INTEGER NOT NULL,
    -- A JSON array of SHA-256 digests.
    recovery_codes TEXT NOT NULL
);
-- Whether there is one that is confirmed.
ALTER TABLE users ADD COLUMN otp_enabled BOOLEAN NOT NULL DEFAULT FALSE;
