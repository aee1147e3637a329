-- What the releases that searched by words in tables left behind.
INSERT INTO users (id, username, email, email_key, password_hash, is_admin, disabled, created_at)
VALUES ('018f4e2a-0000-7000-8000-000000000001', 'zoe', 'zoe@example.com', 'zoe@example.com', '', FALSE, FALSE, 1);
INSERT INTO scopes (name, created_at) VALUES ('team', 1);
INSERT INTO packages (id, name, scope, created_at, updated_at, downloads)
VALUES (1, 'a-kit', NULL, 1, 5, 7), (2, '@team/b-kit', 'team', 1, 6, 0), (3, 'c-kit', NULL, 1, 7, 9);
INSERT INTO versions (id, package_id, version, version_key, published_at, published_by, sha256, archive, archive_size,
                      dependencies)
VALUES (1, 1, '1.0.0', '1.0.0', 1, '018f4e2a-0000-7000-8000-000000000001', zeroblob(32), 'a', 1, '{}'),
       (2, 2, '2.1.0-rc.1', '2.1.0-rc.1', 1, '018f4e2a-0000-7000-8000-000000000001', zeroblob(32), 'b', 1, '{}'),
       (3, 3, '1.0.0', '1.0.0', 1, '018f4e2a-0000-7000-8000-000000000001', zeroblob(32), 'c', 1, '{}');
INSERT INTO manifests (version_id, document)
VALUES (1, '{"artifacts":{"skills":[{"name":"waver-helper","path":"main.md"}]}}'),
       (2, '{"artifacts":{"prompts":[{"name":"parting","path":"main.md"}]}}'),
       (3, '{"artifacts":{"skills":[{"name":"third","path":"main.md"}]}}');
INSERT INTO dist_tags (package_id, tag, version_id) VALUES (1, 'latest', 1), (2, 'latest', 2), (3, 'next', 3);
INSERT INTO listings (package_id, name, bare_name, scope, description, author, latest_version, keywords,
                      artifact_types, downloads, popularity, updated_at)
VALUES (1, 'a-kit', 'a-kit', '', 'Greets everybody', 'Zoë', '1.0.0', '["welcome","hello"]', 1, 7, 1.2, 5),
       (2, '@team/b-kit', 'b-kit', 'team', 'Says goodbye', NULL, '2.1.0-rc.1', '[]', 2, 0, 1, 6);
INSERT INTO listing_keywords (keyword, package_id) VALUES ('welcome', 1), ('hello', 1);
INSERT INTO listing_text (rowid, name, keywords, artifacts, description, author)
VALUES (1, 'a kit', 'welcome hello', 'waver helper', 'greets everybody', 'zoë'),
       (2, 'team b kit', '', 'parting', 'says goodbye', '');
INSERT INTO words (word) VALUES ('a'), ('kit'), ('welcome'), ('goodbye');
UPDATE registry_totals SET packages = 3;
