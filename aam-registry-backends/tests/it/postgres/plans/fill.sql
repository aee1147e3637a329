-- A registry of 100,000 packages: two versions each, and of twenty of them 500 more.

-- Nothing but what the test does itself keeps rows from being seen by all, which index-only scans live on.
DO $$
DECLARE
    name TEXT;
BEGIN
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
        EXECUTE format('ALTER TABLE %I SET (autovacuum_enabled = off)', name);
    END LOOP;
END $$;

INSERT INTO users (id, username, email, email_key, password_hash, is_admin, disabled, created_at)
SELECT md5('user' || n)::uuid, 'user-' || n, 'user-' || n || '@example.com', 'user-' || n || '@example.com', '$test$',
    n % 1000 = 0, FALSE, 1700000000000000 + n
FROM generate_series(1, 20000) n;

INSERT INTO scopes (name, created_at) SELECT 'scope-' || n, 1700000000000000 + n FROM generate_series(1, 20000) n;

INSERT INTO scope_members (scope, user_id, role)
SELECT 'scope-' || n, md5('user' || (n + part * 7) % 20000 + 1)::uuid,
    CASE part WHEN 0 THEN 'owner' WHEN 1 THEN 'member' ELSE 'contributor' END
FROM generate_series(1, 20000) n, generate_series(0, 2) part;

INSERT INTO scope_webhooks (id, scope, url, secret, events, created_at)
SELECT md5('webhook' || n || '-' || part)::uuid, 'scope-' || n, 'https://hooks.example', 'sealed', '[]',
    1700000000000000 + n
FROM generate_series(1, 20000) n, generate_series(0, 1) part;

INSERT INTO revoked_sessions (user_id, id, expires_at)
SELECT md5('user' || n)::uuid, 'session-' || n, 4000000000000000 + n FROM generate_series(1, 20000) n;

INSERT INTO invitations (id, digest, roles, scopes, invited_by, created_at, expires_at)
SELECT md5('invitation' || n)::uuid, sha256(('invitation' || n)::bytea), '[]', '{}', 'user-1', 1700000000000000 + n,
    4000000000000000 + n
FROM generate_series(1, 20000) n;

INSERT INTO second_factors (user_id, secret, confirmed, last_step, recovery_codes)
SELECT md5('user' || n)::uuid, 'sealed', FALSE, 0, '[]' FROM generate_series(1, 20000) n;

INSERT INTO sessions (user_id, id, generation, place, created_at, last_seen_at, expires_at)
SELECT md5('user' || n)::uuid, 'session-' || part, 0, '192.0.2.0/24 aam', 1700000000000000 + n, 1700000000000000 + n,
    4000000000000000 + n
FROM generate_series(1, 20000) n, generate_series(1, 3) part;

INSERT INTO tokens (id, user_id, name, secret, scopes, packages, created_at)
SELECT md5('token' || n)::uuid, md5('user' || n % 20000 + 1)::uuid, 'token ' || n, sha256(('token' || n)::bytea),
    '[]', '[]', 4000000000000000 + n
FROM generate_series(1, 40000) n;

INSERT INTO one_time_tokens (digest, user_id, purpose, expires_at)
SELECT sha256(('one-time' || n)::bytea), md5('user' || n)::uuid, 'password_reset', 4000000000000000 + n
FROM generate_series(1, 20000) n;

INSERT INTO trusted_publishers
    (id, package, scope, issuer, preset, claims, pinned, anchor, pending, created_at, created_by)
SELECT md5('publisher' || n)::uuid, 'kit-' || n, NULL, 'https://token.actions.githubusercontent.com', 'github', '{}', '{}',
    'repository=acme/kit-' || n, n % 10 = 0, 1700000000000000 + n, md5('user' || n)::uuid
FROM generate_series(1, 20000) n;

INSERT INTO publisher_tokens (id, publisher_id, secret, name, expires_at)
SELECT md5('publisher token' || n)::uuid, md5('publisher' || n)::uuid, sha256(('publisher' || n)::bytea), 'trusted-publisher',
    4000000000000000 + n
FROM generate_series(1, 20000) n;

INSERT INTO used_id_tokens (digest, expires_at)
SELECT sha256(('id' || n)::bytea), 4000000000000000 + n FROM generate_series(1, 20000) n;

INSERT INTO packages (id, name, scope, similarity_key, created_at, updated_at, downloads)
SELECT n, CASE WHEN n % 10 = 0 THEN '@scope-' || n % 20000 + 1 || '/kit-' || n ELSE 'kit-' || n END,
    CASE WHEN n % 10 = 0 THEN 'scope-' || n % 20000 + 1 END, CASE WHEN n % 10 <> 0 THEN 'kit' || n END,
    1700000000000000 + n, 1700000000000000 + n * 7919 % 100000, n * 7919 % 100000
FROM generate_series(1, 100000) n;

INSERT INTO package_owners (package_id, user_id)
SELECT n, md5('user' || n % 20000 + 1)::uuid FROM generate_series(1, 100000) n;

INSERT INTO versions (id, package_id, version, version_key, published_at, published_by, sha256, archive, archive_size,
    dependencies, dependencies_listed)
SELECT id, package, '1.0.' || id, '1.0.' || id, 1700000000000000 + id, md5('user' || package % 20000 + 1)::uuid,
    sha256(id::text::bytea), 'archives/' || right(upload, 2) || '/' || upload || '.aam', 1234, '{}', TRUE
FROM (
    SELECT id, CASE WHEN id <= 200000 THEN (id + 1) / 2 ELSE id % 20 + 1 END AS package,
        md5('upload' || id)::uuid::text AS upload
    FROM generate_series(1, 210000) id
) v;

INSERT INTO version_dependencies (name, version_id, requirement)
SELECT 'needed-' || id % 1000, id, '^1.' || id % 10 FROM versions;

INSERT INTO manifests (version_id, document)
SELECT v.id, json_build_object('name', p.name, 'version', v.version, 'description', 'For tests',
    'artifacts', json_build_object('skills', json_build_array(json_build_object('name', 'greeter', 'path', 'greeter')))
)::text
FROM versions v JOIN packages p ON p.id = v.package_id;

INSERT INTO contents (version_id, files, readme) SELECT id, '[]', 'Read me' FROM versions;

UPDATE versions SET status = 'rejected' WHERE id > 208000;
INSERT INTO approvals (version_id, approver, status, comment, created_at)
SELECT 190000 + n, md5('user' || n)::uuid, 'rejected', 'For tests', 1700000000000000 + n FROM generate_series(1, 20000) n;
INSERT INTO recalls (version_id, category, reason, at, moderator, lifted_at, changed_at)
SELECT n, 'other', 'For tests', 1700000000000000 + n, md5('user' || n)::uuid, 1700000000000000 + n, 1700000000000000 + n
FROM generate_series(1, 20000) n;

INSERT INTO dist_tags (package_id, tag, version_id) SELECT n, 'latest', n * 2 FROM generate_series(1, 100000) n;
INSERT INTO dist_tags (package_id, tag, version_id) SELECT n, 'beta', n * 2 - 1 FROM generate_series(1, 100000, 5) n;

INSERT INTO uploads (id, user_id, started_at, lease_until, abandoned_at)
SELECT md5('live' || n)::uuid, md5('user' || n)::uuid, 1700000000000000, 4000000000000000,
    CASE WHEN n % 100 = 0 THEN 1700000000000000 + n END
FROM generate_series(1, 20000) n;

INSERT INTO download_days (version_id, day, downloads)
SELECT n, DATE '2025-06-01' + day, 1 FROM generate_series(1, 100000) n, generate_series(0, 1) day;

INSERT INTO pending_downloads (version_id, downloads) SELECT n, 1 FROM generate_series(1, 20000) n;

INSERT INTO download_batches (id, gathered_at)
SELECT md5('batch' || n)::uuid, (extract(epoch FROM now()) * 1000000)::bigint + n FROM generate_series(1, 20000) n;

UPDATE registry_totals SET packages = 100000, versions = 210000, users = 20000;
INSERT INTO pending_totals (versions) SELECT 1 FROM generate_series(1, 100);

INSERT INTO audit_log (entry_id, event, actor, package, version, timestamp, metadata, position, hash)
SELECT md5('entry' || n)::uuid,
    (ARRAY['package.publish', 'version.yank', 'version.unyank', 'version.deprecate', 'tag.set', 'tag.remove',
        'scope.create', 'scope.member_set', 'user.register', 'user.login', 'user.login_failed', 'token.create'])
        [n % 12 + 1],
    'user-' || n % 20000 + 1, 'kit-' || n % 100000, '1.0.0', 1700000000000000 + n,
    json_build_object('sha256', encode(sha256(n::text::bytea), 'hex'))::text, n, sha256(n::text::bytea)
FROM generate_series(1, 200000) n;
UPDATE audit_chain SET position = 200000, hash = sha256('200000');

INSERT INTO listings (package_id, name, description, author, latest_version, keywords, artifacts, artifact_types,
    downloads, updated_at)
SELECT id, name, 'Kit ' || id || ' ' || repeat('says in a sentence or two what it is good for ', 4),
    'Somebody <somebody@example.com>', '1.0.' || id * 2,
    '["word' || id % 5000 || '", "common' || id % 50 || '"]', 'greeter', 1 << (id % 4)::int, downloads, updated_at
FROM packages;

SELECT setval(pg_get_serial_sequence('packages', 'id'), 100000),
    setval(pg_get_serial_sequence('versions', 'id'), 210000),
    setval(pg_get_serial_sequence('audit_log', 'id'), max(id)) FROM audit_log;

INSERT INTO reports (id, package, category, text, reporter, created_at, closed_at, closed_by)
SELECT ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'kit-' || n, 'other', repeat(md5('text' || n), 4),
    md5('user' || n)::uuid, 1700000000000000 + n, CASE WHEN n % 100 = 0 THEN NULL ELSE 1700000000000000 + n END,
    CASE WHEN n % 100 = 0 THEN NULL ELSE md5('user1')::uuid END
FROM generate_series(1, 20000) n;

INSERT INTO eval_results (version_id, name, status, metrics, run_at, recorded_at)
SELECT id, 'quality', 'passed', '{}', 1700000000000000, 1700000000000000 FROM versions WHERE id % 50 = 0;

INSERT INTO tag_gates (package_id, tag, evals)
SELECT id, 'stable', '["quality"]' FROM packages WHERE id % 50 = 0;
