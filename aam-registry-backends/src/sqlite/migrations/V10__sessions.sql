-- oldest release: 0.2.0
-- Login sessions, for their users to look at. They stay for a while after their end, so that a login
-- from somewhere new is noticed.
CREATE TABLE sessions (
    user_id      TEXT NOT NULL REFERENCES users (id),
    id           TEXT NOT NULL,
    generation   INTEGER NOT NULL,
    -- Network and client, as logins are compared.
    place        TEXT NOT NULL,
    client_ip    TEXT,
    client       TEXT,
    created_at   INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    PRIMARY KEY (user_id, id)
);
CREATE INDEX sessions_expiry ON sessions (expires_at);
