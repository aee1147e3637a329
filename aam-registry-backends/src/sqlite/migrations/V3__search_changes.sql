-- Searches run on an index in the memory of each process, which reads what
-- changed since the last one: the rows here, each with the number of the
-- change that made it what it is.
CREATE TABLE listings_now (
    package_id     INTEGER PRIMARY KEY REFERENCES packages (id),
    name           TEXT NOT NULL,
    description    TEXT NOT NULL,
    author         TEXT,
    -- None where the package was listed and has no `latest` any more.
    latest_version TEXT,
    -- A JSON array of text.
    keywords       TEXT NOT NULL,
    -- The names of the artifacts, for their words.
    artifacts      TEXT NOT NULL,
    -- A bit for each type, in the order manifests list them.
    artifact_types INTEGER NOT NULL,
    downloads      BIGINT NOT NULL,
    updated_at     BIGINT NOT NULL,
    change         BIGINT NOT NULL
);
INSERT INTO listings_now (package_id, name, description, author, latest_version, keywords, artifacts, artifact_types,
                          downloads, updated_at, change)
SELECT l.package_id, l.name, l.description, l.author, l.latest_version, l.keywords,
    coalesce((
        SELECT group_concat(artifact.value ->> 'name', ' ')
        FROM dist_tags t JOIN manifests m ON m.version_id = t.version_id,
            json_each(m.document, '$.artifacts') kind, json_each(kind.value) artifact
        WHERE t.package_id = l.package_id AND t.tag = 'latest'
    ), ''),
    l.artifact_types, l.downloads, l.updated_at, row_number() OVER (ORDER BY l.package_id)
FROM listings l;

DROP TABLE listings;
DROP TABLE listing_keywords;
DROP TABLE listing_text;
DROP TABLE words;
ALTER TABLE listings_now RENAME TO listings;
CREATE UNIQUE INDEX listings_change ON listings (change);
