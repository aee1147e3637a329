-- oldest release: 0.2.0
-- Whether there is a second factor that is confirmed. The lock on `users` comes first.
ALTER TABLE users ADD COLUMN otp_enabled BOOLEAN NOT NULL DEFAULT FALSE;
-- The second factors of accounts.
CREATE TABLE second_factors (
    user_id        UUID PRIMARY KEY REFERENCES users (id),
    -- The seed, encrypted.
    secret         TEXT NOT NULL,
    confirmed      BOOLEAN NOT NULL,
    -- The step of 30 seconds whose code was last used.
    last_step      BIGINT NOT NULL,
    -- A JSON array of SHA-256 digests.
    recovery_codes TEXT NOT NULL
);
