-- no-transaction
-- A search within a scope looks at what the scope has, which is little. Most
-- packages have no scope and are left out.
DROP INDEX CONCURRENTLY IF EXISTS listing_text_scope;
CREATE INDEX CONCURRENTLY listing_text_scope ON listing_text (scope) WHERE scope <> '';
