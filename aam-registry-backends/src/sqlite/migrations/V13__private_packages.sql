-- oldest release: 0.2.0
-- Whether a package is shown only to those who may see it.
ALTER TABLE packages ADD COLUMN private INTEGER NOT NULL DEFAULT 0;
-- The same, for searches.
ALTER TABLE listings ADD COLUMN private INTEGER NOT NULL DEFAULT 0;
