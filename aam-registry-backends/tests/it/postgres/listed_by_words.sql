-- What the releases that searched by words in tables left behind.
INSERT INTO scopes (name, created_at) VALUES ('team', 1);
INSERT INTO packages (id, name, scope, created_at, updated_at, downloads)
VALUES (1, 'a-kit', NULL, 1, 5, 7), (2, '@team/b-kit', 'team', 1, 6, 0), (3, 'c-kit', NULL, 1, 7, 9);
INSERT INTO listings (package_id, name, bare_name, scope, description, author, latest_version, keywords,
                      artifact_types, downloads, popularity, updated_at)
VALUES (1, 'a-kit', 'a-kit', '', 'Greets everybody', 'Zoë', '1.0.0', '["welcome","hello"]', 1, 7, 1.2, 5),
       (2, '@team/b-kit', 'b-kit', 'team', 'Says goodbye', NULL, '2.1.0-rc.1', '[]', 2, 0, 1, 6);
INSERT INTO listing_keywords (keyword, package_id) VALUES ('welcome', 1), ('hello', 1);
INSERT INTO listing_text (package_id, name, bare_name, scope, artifact_types, popularity, document)
VALUES (1, 'a-kit', 'a-kit', '', 1, 1.2,
        '''a'':1A ''kit'':2A ''welcome'':3B ''hello'':4B ''waver'':5C ''helper'':6C ''greets'':7 ''everybody'':8 ''zoë'':9'),
       (2, '@team/b-kit', 'b-kit', 'team', 2, 1, '''team'':1A ''b'':2A ''kit'':3A ''parting'':4C ''says'':5 ''goodbye'':6');
INSERT INTO words (word)
VALUES ('a'), ('b'), ('everybody'), ('goodbye'), ('greets'), ('hello'), ('helper'), ('kit'), ('parting'), ('says'),
       ('team'), ('waver'), ('welcome'), ('zoë');
UPDATE registry_totals SET packages = 3;
