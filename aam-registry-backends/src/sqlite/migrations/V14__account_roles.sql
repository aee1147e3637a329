-- oldest release: 0.2.0
-- What an account is in the whole registry, beside an administrator.
ALTER TABLE users ADD COLUMN is_approver BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE users ADD COLUMN is_moderator BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE users ADD COLUMN is_auditor BOOLEAN NOT NULL DEFAULT FALSE;
-- The few accounts with a role, by name.
CREATE INDEX users_with_roles ON users (username) WHERE is_admin OR is_approver OR is_moderator OR is_auditor;
