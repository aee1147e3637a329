-- oldest release: 0.2.0
-- How often all sessions of a user were ended, for example by a new password,
-- and the session that lived on when they last were.
ALTER TABLE users ADD COLUMN session_generation BIGINT NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN kept_session TEXT;
