-- oldest release: 0.2.0
-- Releases before 0.2.0 read tables that the migration before dropped.
UPDATE schema_compatibility SET oldest_release = '0.2.0';
