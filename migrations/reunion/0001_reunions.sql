-- +goose Up

-- The sellers. Words that are only ever compared for equality are COLLATE "C": their bytes are compared, not their French order.
CREATE TABLE users (
    id            uuid PRIMARY KEY,
    email         text COLLATE "C" NOT NULL UNIQUE CHECK (email = lower(email)),
    password_hash text NOT NULL,
    nom           text NOT NULL,
    created_at    timestamptz NOT NULL
);
CREATE INDEX users_by_age ON users (created_at, id);

-- A token is valid while its session exists: a new password deletes all rows of the account.
CREATE TABLE sessions (
    id         uuid PRIMARY KEY,
    user_id    uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    expires_at timestamptz NOT NULL
);
CREATE INDEX sessions_by_user ON sessions (user_id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- owner_id is null where a socket without token made the réunion (GUICHET_REUNION_OPEN).
CREATE TABLE reunions (
    id         text COLLATE "C" PRIMARY KEY,
    owner_id   uuid REFERENCES users,
    status     text COLLATE "C" NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'terminee')),
    created_at timestamptz NOT NULL,
    closed_at  timestamptz,
    CHECK ((status = 'terminee') = (closed_at IS NOT NULL))
);
CREATE INDEX reunions_by_owner ON reunions (owner_id, created_at, id);

-- Of the token that resumes a client only the SHA-256 is kept. told_at is when its host was told of the validation: until then
-- the host is owed cart-validated.
CREATE TABLE clients (
    id              text COLLATE "C" PRIMARY KEY,
    reunion_id      text COLLATE "C" NOT NULL REFERENCES reunions,
    resume_hash     bytea NOT NULL,
    name            text,
    email           text,
    cart            jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(cart) = 'array'),
    status          text COLLATE "C" NOT NULL DEFAULT 'en_cours' CHECK (status IN ('en_cours', 'valide', 'non_finalise')),
    comment         text,
    joined_at       timestamptz NOT NULL,
    validated_at    timestamptz,
    disconnected_at timestamptz,
    told_at         timestamptz,
    CHECK ((status = 'valide') = (validated_at IS NOT NULL)),
    CHECK (status <> 'en_cours' OR disconnected_at IS NULL),
    CHECK (validated_at IS NOT NULL OR comment IS NULL AND told_at IS NULL)
);
CREATE INDEX clients_by_reunion ON clients (reunion_id, joined_at, id);
CREATE INDEX clients_untold ON clients (reunion_id, validated_at, id) WHERE validated_at IS NOT NULL AND told_at IS NULL;
CREATE INDEX clients_by_told ON clients (reunion_id, told_at) WHERE told_at IS NOT NULL;

-- told_at is when the host was told: until then it is owed survey-submitted.
CREATE TABLE surveys (
    id                     uuid PRIMARY KEY,
    reunion_id             text COLLATE "C" NOT NULL REFERENCES reunions,
    overall_rating         integer NOT NULL CHECK (overall_rating BETWEEN 1 AND 5),
    comment                text,
    explanation_clarity    text,
    host_support           text,
    discovered_new_product text,
    product_quality        text,
    future_participation   text,
    suggestion             text,
    recommendation_score   integer NOT NULL CHECK (recommendation_score BETWEEN 0 AND 10),
    submitted_at           timestamptz NOT NULL,
    told_at                timestamptz
);
CREATE INDEX surveys_by_reunion ON surveys (reunion_id, submitted_at, id);
CREATE INDEX surveys_untold ON surveys (reunion_id, submitted_at, id) WHERE told_at IS NULL;
CREATE INDEX surveys_by_told ON surveys (reunion_id, told_at) WHERE told_at IS NOT NULL;

-- The processes that clients are connected to. A process renews its lease while it lives; when the lease has ended, its
-- connections count as gone. A process that starts prolongs every lease, so that whoever was connected to one that died has
-- time to return, and doubts all other processes: until such a one renews its lease, it does not keep a client that has left
-- everywhere else.
CREATE TABLE servers (
    id          uuid PRIMARY KEY,
    lease_until timestamptz NOT NULL,
    doubted     boolean NOT NULL DEFAULT false
);

-- The sockets that act for a client: it is there while it has one.
CREATE TABLE connections (
    id        uuid PRIMARY KEY,
    server_id uuid NOT NULL REFERENCES servers,
    client_id text COLLATE "C" NOT NULL REFERENCES clients
);
CREATE INDEX connections_by_server ON connections (server_id);
CREATE INDEX connections_by_client ON connections (client_id);

-- +goose Down
DROP TABLE connections, servers, surveys, clients, reunions, sessions, users;
