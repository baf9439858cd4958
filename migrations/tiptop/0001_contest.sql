-- +goose Up

-- Words that are only ever compared for equality are COLLATE "C": their bytes are compared, not their French order.
CREATE TABLE users (
    id            uuid PRIMARY KEY,
    email         text COLLATE "C" NOT NULL UNIQUE CHECK (email = lower(email)),
    password_hash text NOT NULL,
    first_name    text NOT NULL,
    last_name     text NOT NULL,
    phone         text,
    address       text,
    city          text,
    postal_code   text,
    role          text COLLATE "C" NOT NULL CHECK (role IN ('CLIENT', 'EMPLOYEE', 'ADMIN')),
    is_verified   boolean NOT NULL DEFAULT false,
    created_at    timestamptz NOT NULL
);
CREATE INDEX users_by_age ON users (created_at, id);
CREATE INDEX users_by_role ON users (role, created_at, id);

-- A token is valid while its session exists: logout deletes one row, a new password all rows of the account.
CREATE TABLE sessions (
    id         uuid PRIMARY KEY,
    user_id    uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    expires_at timestamptz NOT NULL
);
CREATE INDEX sessions_by_user ON sessions (user_id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- What a mailed link redeems: only the SHA-256 of the token is kept, and the row goes when it is used. An account has one
-- token per purpose: the next one takes its place, so that only the newest mail works.
CREATE TABLE mail_tokens (
    id         uuid PRIMARY KEY,
    user_id    uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    purpose    text NOT NULL CHECK (purpose IN ('verify', 'reset')),
    hash       bytea NOT NULL UNIQUE,
    expires_at timestamptz NOT NULL,
    UNIQUE (user_id, purpose)
);
CREATE INDEX mail_tokens_by_expiry ON mail_tokens (expires_at);

CREATE TABLE prizes (
    id            uuid PRIMARY KEY,
    type          text NOT NULL CHECK (type IN ('PHYSICAL', 'DISCOUNT')),
    name          text NOT NULL,
    description   text,
    value_cents   bigint NOT NULL CHECK (value_cents >= 0),
    probability   double precision NOT NULL CHECK (probability BETWEEN 0 AND 1),
    initial_stock integer NOT NULL CHECK (initial_stock >= 0),
    is_active     boolean NOT NULL DEFAULT true,
    created_at    timestamptz NOT NULL
);

-- A prize's stock is spread over several rows, so that players who win the same prize at the same moment do not queue
-- behind one row lock until the other's commit reaches the disk.
CREATE TABLE prize_stock (
    prize_id  uuid NOT NULL REFERENCES prizes ON DELETE CASCADE,
    shard     smallint NOT NULL CHECK (shard BETWEEN 0 AND 7),
    remaining integer NOT NULL CHECK (remaining >= 0),
    PRIMARY KEY (prize_id, shard)
) WITH (fillfactor = 50);

-- played_at outlives the ticket: a code that was played once stays used when its player's account is deleted.
CREATE TABLE codes (
    code      text COLLATE "C" PRIMARY KEY CHECK (code = upper(code)),
    issued_at timestamptz NOT NULL,
    played_at timestamptz
);

CREATE TABLE tickets (
    id               uuid PRIMARY KEY,
    code             text COLLATE "C" NOT NULL UNIQUE REFERENCES codes,
    user_id          uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    prize_id         uuid NOT NULL REFERENCES prizes,
    status           text COLLATE "C" NOT NULL DEFAULT 'PENDING' CHECK (status IN ('PENDING', 'VALIDATED', 'REJECTED', 'CLAIMED')),
    played_at        timestamptz NOT NULL,
    validated_at     timestamptz,
    claimed_at       timestamptz,
    rejected_at      timestamptz,
    rejection_reason text,
    CHECK ((status = 'REJECTED') = (rejected_at IS NOT NULL AND rejection_reason IS NOT NULL)),
    CHECK ((status IN ('VALIDATED', 'CLAIMED')) = (validated_at IS NOT NULL)),
    CHECK ((status = 'CLAIMED') = (claimed_at IS NOT NULL))
);
CREATE INDEX tickets_by_age ON tickets (played_at, id);
CREATE INDEX tickets_by_user ON tickets (user_id, played_at, id);
CREATE INDEX tickets_by_status ON tickets (status, played_at, id);
CREATE INDEX tickets_by_validation ON tickets (validated_at) WHERE validated_at IS NOT NULL;
CREATE INDEX tickets_by_rejection ON tickets (rejected_at) WHERE rejected_at IS NOT NULL;

-- A ticket with what its lists show of the player and the prize.
CREATE VIEW ticket_details AS
SELECT t.id, t.code, t.status, t.played_at, t.validated_at, t.claimed_at, t.rejection_reason,
       t.user_id, u.email, u.first_name, u.last_name,
       t.prize_id, p.type AS prize_type, p.name AS prize_name, p.description AS prize_description, p.value_cents
FROM tickets t JOIN users u ON u.id = t.user_id JOIN prizes p ON p.id = t.prize_id;

-- The contest's window: one row.
CREATE TABLE game (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    is_paused boolean NOT NULL DEFAULT false,
    opens_at  timestamptz,
    closes_at timestamptz,
    CHECK (opens_at < closes_at)
);
INSERT INTO game DEFAULT VALUES;

-- What the statistics and the totals of the lists are read from. The triggers below keep it exact for every statement,
-- whoever sends it. A database session always counts in the row of its own number, so sessions seldom wait for one another
-- and one transaction never locks two rows. There are few things to count, each a column: nothing has to be summed up later,
-- as where rows are only ever added (the ticket desk, which counts hundreds of kinds).
CREATE TABLE tally (
    shard             smallint PRIMARY KEY CHECK (shard BETWEEN 0 AND 63),
    users_client      bigint NOT NULL DEFAULT 0,
    users_employee    bigint NOT NULL DEFAULT 0,
    users_admin       bigint NOT NULL DEFAULT 0,
    users_verified    bigint NOT NULL DEFAULT 0,
    tickets_pending   bigint NOT NULL DEFAULT 0,
    tickets_validated bigint NOT NULL DEFAULT 0,
    tickets_rejected  bigint NOT NULL DEFAULT 0,
    tickets_claimed   bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);
INSERT INTO tally (shard) SELECT generate_series(0, 63);

CREATE VIEW totals AS
SELECT sum(users_client)::bigint AS users_client, sum(users_employee)::bigint AS users_employee,
       sum(users_admin)::bigint AS users_admin, sum(users_verified)::bigint AS users_verified,
       sum(tickets_pending)::bigint AS tickets_pending, sum(tickets_validated)::bigint AS tickets_validated,
       sum(tickets_rejected)::bigint AS tickets_rejected, sum(tickets_claimed)::bigint AS tickets_claimed
FROM tally;

-- The functions find the counters whatever the search_path of who makes a change: psql's, or a restore's, is not the system's.
-- +goose StatementBegin
CREATE FUNCTION tally_users() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    client bigint; employee bigint; admin bigint; verified bigint;
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT count(*) FILTER (WHERE role = 'CLIENT'), count(*) FILTER (WHERE role = 'EMPLOYEE'),
               count(*) FILTER (WHERE role = 'ADMIN'), count(*) FILTER (WHERE is_verified)
        INTO client, employee, admin, verified FROM added;
    ELSIF TG_OP = 'DELETE' THEN
        SELECT -count(*) FILTER (WHERE role = 'CLIENT'), -count(*) FILTER (WHERE role = 'EMPLOYEE'),
               -count(*) FILTER (WHERE role = 'ADMIN'), -count(*) FILTER (WHERE is_verified)
        INTO client, employee, admin, verified FROM removed;
    ELSE
        SELECT sum(n) FILTER (WHERE role = 'CLIENT'), sum(n) FILTER (WHERE role = 'EMPLOYEE'),
               sum(n) FILTER (WHERE role = 'ADMIN'), sum(n) FILTER (WHERE is_verified)
        INTO client, employee, admin, verified
        FROM (SELECT 1 AS n, role, is_verified FROM added UNION ALL SELECT -1, role, is_verified FROM removed) AS moved;
    END IF;
    UPDATE tally SET
        users_client = users_client + coalesce(client, 0),
        users_employee = users_employee + coalesce(employee, 0),
        users_admin = users_admin + coalesce(admin, 0),
        users_verified = users_verified + coalesce(verified, 0)
    WHERE shard = (pg_backend_pid() & 63)
      AND (client <> 0 OR employee <> 0 OR admin <> 0 OR verified <> 0);
    RETURN NULL;
END $$;

CREATE FUNCTION tally_tickets() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    pending bigint; validated bigint; rejected bigint; claimed bigint;
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT count(*) FILTER (WHERE status = 'PENDING'), count(*) FILTER (WHERE status = 'VALIDATED'),
               count(*) FILTER (WHERE status = 'REJECTED'), count(*) FILTER (WHERE status = 'CLAIMED')
        INTO pending, validated, rejected, claimed FROM added;
    ELSIF TG_OP = 'DELETE' THEN
        SELECT -count(*) FILTER (WHERE status = 'PENDING'), -count(*) FILTER (WHERE status = 'VALIDATED'),
               -count(*) FILTER (WHERE status = 'REJECTED'), -count(*) FILTER (WHERE status = 'CLAIMED')
        INTO pending, validated, rejected, claimed FROM removed;
    ELSE
        SELECT sum(n) FILTER (WHERE status = 'PENDING'), sum(n) FILTER (WHERE status = 'VALIDATED'),
               sum(n) FILTER (WHERE status = 'REJECTED'), sum(n) FILTER (WHERE status = 'CLAIMED')
        INTO pending, validated, rejected, claimed
        FROM (SELECT 1 AS n, status FROM added UNION ALL SELECT -1, status FROM removed) AS moved;
    END IF;
    UPDATE tally SET
        tickets_pending = tickets_pending + coalesce(pending, 0),
        tickets_validated = tickets_validated + coalesce(validated, 0),
        tickets_rejected = tickets_rejected + coalesce(rejected, 0),
        tickets_claimed = tickets_claimed + coalesce(claimed, 0)
    WHERE shard = (pg_backend_pid() & 63)
      AND (pending <> 0 OR validated <> 0 OR rejected <> 0 OR claimed <> 0);
    RETURN NULL;
END $$;
-- +goose StatementEnd

CREATE TRIGGER tally_insert AFTER INSERT ON users
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION tally_users();
CREATE TRIGGER tally_update AFTER UPDATE ON users
    REFERENCING NEW TABLE AS added OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION tally_users();
CREATE TRIGGER tally_delete AFTER DELETE ON users
    REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION tally_users();
CREATE TRIGGER tally_insert AFTER INSERT ON tickets
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION tally_tickets();
CREATE TRIGGER tally_update AFTER UPDATE ON tickets
    REFERENCING NEW TABLE AS added OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION tally_tickets();
CREATE TRIGGER tally_delete AFTER DELETE ON tickets
    REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION tally_tickets();

-- +goose Down
DROP VIEW ticket_details, totals;
DROP TABLE tally, game, tickets, codes, prize_stock, prizes, mail_tokens, sessions, users;
DROP FUNCTION tally_users, tally_tickets;
