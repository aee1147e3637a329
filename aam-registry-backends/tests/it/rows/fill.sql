-- At least one row of every table that backups copy, in SQL that SQLite and PostgreSQL both run once the words in
-- braces are replaced. A table without a row fails the tests.
INSERT INTO users (id, username, email, email_key, password_hash, is_admin, disabled, created_at, is_auditor) VALUES
    ('0190d9f0-0000-7000-8000-000000000001', 'ada', 'Ada@example.com', 'ada@example.com', '$argon2$\slash', TRUE, FALSE, 1700000000000001, FALSE),
    ('0190d9f0-0000-7000-8000-000000000002', 'bob', 'bob@example.com', 'bob@example.com', '$argon2$', FALSE, TRUE, 1700000000000002, TRUE);
INSERT INTO scopes (name, created_at) VALUES ('acme', 1700000000000000), ('Zeta_x', 1700000000000001), ('a-b', 1700000000000002);
INSERT INTO scope_members (scope, user_id, role) VALUES
    ('acme', '0190d9f0-0000-7000-8000-000000000002', 'member'), ('acme', '0190d9f0-0000-7000-8000-000000000001', 'owner');
INSERT INTO revoked_sessions (user_id, id, expires_at) VALUES ('0190d9f0-0000-7000-8000-000000000001', 's1', 4000000000000000);
INSERT INTO sessions (user_id, id, generation, place, client_ip, client, created_at, last_seen_at, expires_at) VALUES
    ('0190d9f0-0000-7000-8000-000000000001', 's2', 0, '192.0.2.0/24 aam', '192.0.2.1', NULL, 1, 2, 4000000000000000);
INSERT INTO tokens (id, user_id, name, secret, scopes, packages, created_at, expires_at) VALUES
    ('0190d9f0-0000-7000-8000-000000000003', '0190d9f0-0000-7000-8000-000000000001', 'tab	and
line', {bytes:00ff5c0a}, '["publish"]', '[]', 1700000000000000, NULL);
INSERT INTO one_time_tokens (digest, user_id, purpose, expires_at) VALUES ({bytes:01}, '0190d9f0-0000-7000-8000-000000000001', 'password_reset', 4000000000000000);
INSERT INTO second_factors (user_id, secret, confirmed, last_step, recovery_codes) VALUES ('0190d9f0-0000-7000-8000-000000000001', 'sealed', TRUE, 9, '[]');
INSERT INTO invitations (id, digest, roles, scopes, invited_by, created_at, expires_at) VALUES
    ('0190d9f0-0000-7000-8000-000000000004', {bytes:02}, '[]', '{}', 'ada', 1, 4000000000000000);
INSERT INTO packages (id, name, scope, similarity_key, created_at, updated_at, downloads, private) VALUES
    (5, '@acme/kit', 'acme', NULL, 1700000000000000, 1700000000000000, 3, {true}), (900, 'kit', NULL, 'kit', 1700000000000000, 1700000000000000, 0, {false});
INSERT INTO package_owners (package_id, user_id) VALUES (900, '0190d9f0-0000-7000-8000-000000000001');
INSERT INTO versions (id, package_id, version, version_key, published_at, published_by, deprecated, sha256, archive, archive_size, downloads, dependencies, status) VALUES
    (7, 5, '1.0.0+build', '1.0.0', 1700000000000000, '0190d9f0-0000-7000-8000-000000000001', {nul}, {bytes:0a0b}, 'archives/01/0190d9f0-0000-7000-8000-000000000101.aam', 12, 3, '{}', 'approved'),
    (800, 900, '2.0.0', '2.0.0', 1700000000000000, '0190d9f0-0000-7000-8000-000000000002', NULL, {bytes:0c}, 'archives/02/0190d9f0-0000-7000-8000-000000000102.aam', 13, 0, '{"@acme/kit": "^1"}', 'approved quarantined');
INSERT INTO manifests (version_id, document) VALUES (7, '{"name": "käse \"quoted\" \\ 🧀"}'), (800, '{}');
INSERT INTO contents (version_id, files, readme) VALUES (7, '[]', '# Read
me	\.'), (800, '[]', NULL);
INSERT INTO dist_tags (package_id, tag, version_id) VALUES (5, 'latest', 7), (5, 'beta', 7), (5, 'Z', 7);
INSERT INTO download_days (version_id, day, downloads) VALUES (7, '2026-11-30', 3), (7, '2025-01-01', 1);
INSERT INTO pending_downloads (version_id, downloads) VALUES (7, 2);
INSERT INTO download_batches (id, gathered_at) VALUES ('0190d9f0-0000-7000-8000-000000000005', 1700000000000000);
INSERT INTO audit_log (id, entry_id, event, actor, package, version, timestamp, metadata, position, hash) VALUES
    (3, '0190d9f0-0000-7000-8000-000000000006', 'package.publish', 'ada', '@acme/kit', '1.0.0', 1700000000000000, '{}', 1, {bytes:0d}),
    (70, '0190d9f0-0000-7000-8000-000000000007', 'user.register', 'ada', NULL, NULL, 1700000000000000, '{}', NULL, NULL);
UPDATE audit_chain SET position = 1, hash = {bytes:0d};
UPDATE registry_totals SET packages = 2, versions = 2, users = 2, downloads = 3, storage_bytes = 25;
INSERT INTO listings (package_id, name, description, author, latest_version, keywords, artifacts, artifact_types, downloads, updated_at{change}) VALUES
    (5, '@acme/kit', 'For tests', NULL, '1.0.0', '[]', 'greeter', 1, 3, 1700000000000000{7});
INSERT INTO jobs (id, kind, payload, created_at, due_at, lease, attempts) VALUES
    ('0190d9f0-0000-7000-8000-000000000008', 'event', '{}', 1, 2, '0190d9f0-0000-7000-8000-000000000009', 1);
INSERT INTO scope_webhooks (id, scope, url, secret, events, created_at) VALUES ('0190d9f0-0000-7000-8000-00000000000a', 'acme', 'https://hooks.example', 'sealed', '[]', 1);
INSERT INTO operator_webhooks (name, configuration) VALUES ('chat', 'digest');
INSERT INTO approvals (id, version_id, approver, status, created_at) VALUES (40, 7, '0190d9f0-0000-7000-8000-000000000001', 'approved', 1);
INSERT INTO recalls (id, version_id, category, reason, at, moderator, changed_at) VALUES (41, 800, 'malware', 'It is bad', 1, '0190d9f0-0000-7000-8000-000000000001', 1);
INSERT INTO trusted_publishers (id, package, scope, issuer, preset, claims, pinned, anchor, pending, created_at, created_by) VALUES
    ('0190d9f0-0000-7000-8000-00000000000b', '@acme/kit', 'acme', 'https://issuer.example', 'github', '{}', '{}', 'repository=acme/kit', {false}, 1, '0190d9f0-0000-7000-8000-000000000001');
INSERT INTO publisher_tokens (id, publisher_id, secret, name, expires_at) VALUES ('0190d9f0-0000-7000-8000-00000000000c', '0190d9f0-0000-7000-8000-00000000000b', {bytes:03}, 'acme/kit', 4000000000000000);
INSERT INTO used_id_tokens (digest, expires_at) VALUES ({bytes:04}, 4000000000000000), ({bytes:ff00}, 4000000000000000);
INSERT INTO reports (id, package, category, text, reporter, created_at) VALUES ('0190d9f0-0000-7000-8000-00000000000d', 'kit', 'malware', 'Look', '0190d9f0-0000-7000-8000-000000000002', 1);
INSERT INTO eval_results (version_id, name, status, metrics, run_at, recorded_at) VALUES (7, 'smoke', 'passed', '{}', 1, 2);
INSERT INTO tag_gates (package_id, tag, evals) VALUES (5, 'stable', '["smoke"]');
INSERT INTO version_dependencies (name, version_id, requirement) VALUES ('@acme/kit', 800, '^1');
INSERT INTO read_only_mode (id, since, set_by, reason) VALUES (1, 1, 'ada', 'moving');
