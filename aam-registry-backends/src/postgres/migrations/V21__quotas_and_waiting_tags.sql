-- oldest release: 0.2.0
-- All locks come first, in the order in which changes take them.
LOCK TABLE scopes IN ACCESS EXCLUSIVE MODE;
LOCK TABLE versions IN ACCESS EXCLUSIVE MODE;
-- Who made a scope, whoever owns it later; nobody for the scope of a username.
ALTER TABLE scopes ADD COLUMN created_by UUID;
UPDATE scopes s SET created_by = o.owner FROM (
        SELECT m.scope, (array_agg(m.user_id))[1] AS owner FROM scope_members m WHERE m.role = 'owner'
        GROUP BY m.scope HAVING count(*) = 1
    ) o
    WHERE o.scope = s.name AND NOT EXISTS (SELECT 1 FROM users u WHERE u.username = s.name);
CREATE INDEX scopes_created_by ON scopes (created_by) WHERE created_by IS NOT NULL;
-- The tag of an approved version waited no more, though it was kept.
UPDATE versions SET wanted_tag = NULL WHERE wanted_tag IS NOT NULL AND status LIKE 'approved%';
-- Versions that may be used and whose tag waits for an approver.
CREATE INDEX versions_tag_waits ON versions (id) WHERE status = 'approved' AND wanted_tag IS NOT NULL;
