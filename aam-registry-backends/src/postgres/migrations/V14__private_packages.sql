-- oldest release: 0.2.0
-- All locks come first, in the order in which changes take them.
LOCK TABLE packages, listings IN ACCESS EXCLUSIVE MODE;
-- Whether a package is shown only to those who may see it.
ALTER TABLE packages ADD COLUMN private BOOLEAN NOT NULL DEFAULT FALSE;
-- The same, for searches.
ALTER TABLE listings ADD COLUMN private BOOLEAN NOT NULL DEFAULT FALSE;
