-- oldest release: 0.2.0
-- Login sessions, for their users to look at. They stay for a while after their end, so that a login
-- from somewhere new is noticed.
CREATE TABLE sessions (
    user_id      UUID NOT NULL REFERENCES users (id),
    id           TEXT COLLATE "C" NOT NULL,
    generation   BIGINT NOT NULL,
    -- Network and client, as logins are compared.
    place        TEXT NOT NULL,
    client_ip    TEXT,
    client       TEXT,
    created_at   BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    PRIMARY KEY (user_id, id)
);
CREATE INDEX sessions_expiry ON sessions (expires_at);
