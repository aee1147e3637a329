-- no-transaction
-- A search begins with what changed since the last one.
DROP INDEX CONCURRENTLY IF EXISTS listings_changed;
CREATE INDEX CONCURRENTLY listings_changed ON listings (changed_by);
