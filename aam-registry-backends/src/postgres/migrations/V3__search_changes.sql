-- Searches run on an index in the memory of each process, which reads what
-- changed since the last one: the rows here. A package that was listed and has
-- no `latest` any more stays, without a version.
--
-- All locks come first: searches of the release before read these tables in
-- another order than the statements below would lock them.
LOCK TABLE listing_text, listings, listing_keywords, words IN ACCESS EXCLUSIVE MODE;
ALTER TABLE listings
    DROP COLUMN bare_name,
    DROP COLUMN scope,
    DROP COLUMN popularity,
    ALTER COLUMN latest_version DROP NOT NULL,
    -- The names of the artifacts, for their words.
    ADD COLUMN artifacts TEXT NOT NULL DEFAULT '',
    -- Counts the changes of the package.
    ADD COLUMN revision BIGINT NOT NULL DEFAULT 1,
    -- The transaction that made the row what it is.
    ADD COLUMN changed_by BIGINT NOT NULL DEFAULT 0;
ALTER TABLE listings
    ALTER COLUMN artifacts DROP DEFAULT,
    ALTER COLUMN changed_by SET DEFAULT pg_current_xact_id()::text::bigint;
UPDATE listings l SET artifacts = array_to_string(tsvector_to_array(ts_filter(t.document, '{c}')), ' ')
FROM listing_text t WHERE t.package_id = l.package_id;

DROP INDEX listings_name;
DROP INDEX listings_downloads;
DROP INDEX listings_updated;
DROP TABLE listing_text;
DROP TABLE listing_keywords;
DROP TABLE words;
