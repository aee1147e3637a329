-- oldest release: 0.2.0
-- Who made a scope, whoever owns it later; nobody for the scope of a username.
ALTER TABLE scopes ADD COLUMN created_by TEXT;
UPDATE scopes SET created_by = (SELECT min(m.user_id) FROM scope_members m WHERE m.scope = scopes.name AND m.role = 'owner')
    WHERE NOT EXISTS (SELECT 1 FROM users u WHERE u.username = scopes.name)
        AND (SELECT count(*) FROM scope_members m WHERE m.scope = scopes.name AND m.role = 'owner') = 1;
CREATE INDEX scopes_created_by ON scopes (created_by) WHERE created_by IS NOT NULL;
-- The tag of an approved version waited no more, though it was kept.
UPDATE versions SET wanted_tag = NULL WHERE wanted_tag IS NOT NULL AND status LIKE 'approved%';
-- Versions that may be used and whose tag waits for an approver.
CREATE INDEX versions_tag_waits ON versions (id) WHERE status = 'approved' AND wanted_tag IS NOT NULL;
