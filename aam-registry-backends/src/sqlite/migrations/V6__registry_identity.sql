-- oldest release: 0.2.0
-- Tells this registry apart from others that use the same Redis or bucket.
CREATE TABLE registry_identity (
    id          INTEGER PRIMARY KEY CHECK (id = 1),
    -- A UUID.
    registry_id TEXT NOT NULL
);
INSERT INTO registry_identity (id, registry_id) VALUES (1, lower(hex(randomblob(16))));
