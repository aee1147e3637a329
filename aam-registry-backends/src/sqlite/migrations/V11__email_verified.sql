-- oldest release: 0.2.0
-- Whether the user has shown that mail to the address arrives.
ALTER TABLE users ADD COLUMN email_verified BOOLEAN NOT NULL DEFAULT FALSE;
