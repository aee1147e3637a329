-- oldest release: 0.2.0
-- The id of the registry is spelled with hyphens, as every other id is, and as PostgreSQL spells it.
UPDATE registry_identity SET registry_id = substr(registry_id, 1, 8) || '-' || substr(registry_id, 9, 4) || '-'
    || substr(registry_id, 13, 4) || '-' || substr(registry_id, 17, 4) || '-' || substr(registry_id, 21)
WHERE length(registry_id) = 32;
