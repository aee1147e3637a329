-- oldest release: 0.2.0
-- Whether everybody who changes something in the scope needs a second factor.
ALTER TABLE scopes ADD COLUMN require_2fa BOOLEAN NOT NULL DEFAULT FALSE;
-- The address from which a token was last used.
ALTER TABLE tokens ADD COLUMN last_used_from TEXT;
