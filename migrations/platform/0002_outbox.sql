-- +goose Up

-- Durable events, in two steps. A transaction that changes something leaves its events in outbox. When it has committed,
-- number_outbox moves them to outbox_log and gives them their numbers: without gaps, in an order that every reader sees.
-- The tables are named with their schema: they are written by transactions of all systems, each with its own search_path.

CREATE TABLE platform.outbox (
    system  text NOT NULL,
    id      bigint GENERATED ALWAYS AS IDENTITY,
    room    text NOT NULL,
    event   text NOT NULL,
    payload json,                       -- null: the event has none
    PRIMARY KEY (system, id)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000); -- nearly empty, and all of it passes through

CREATE TABLE platform.outbox_log (
    system      text NOT NULL,
    n           bigint NOT NULL,
    room        text NOT NULL,
    event       text NOT NULL,
    payload     json,
    numbered_at timestamptz NOT NULL,
    PRIMARY KEY (system, n)
);

-- One row per system. The row's lock is what numbers are given and purged under.
CREATE TABLE platform.outbox_heads (
    system      text PRIMARY KEY,
    epoch       text NOT NULL,          -- first part of the ids: numbers of different epochs have nothing to do with each other
    fingerprint text NOT NULL,          -- of the database that the epoch belongs to
    n           bigint NOT NULL,        -- the last number that was given
    purged      bigint NOT NULL DEFAULT 0 -- the last number whose event is forgotten
);

-- Tells a database from every other one, and from itself after a restore: a restored dump has other oids, recovery to a point
-- in time ends on a new timeline, a new cluster has another identifier. Where the server does not let this user ask, that
-- part is left out.
-- +goose StatementBegin
CREATE FUNCTION platform.database_fingerprint() RETURNS text
    LANGUAGE plpgsql STABLE AS
$$
DECLARE
    fingerprint text;
BEGIN
    SELECT concat_ws('/', d.oid, 'platform.outbox_heads'::regclass::oid) INTO fingerprint
    FROM pg_database AS d WHERE d.datname = current_database();
    BEGIN
        SELECT concat_ws('/', fingerprint, c.system_identifier) INTO fingerprint FROM pg_control_system() AS c;
    EXCEPTION WHEN OTHERS THEN
        fingerprint := fingerprint || '/-';
    END;
    BEGIN
        fingerprint := concat_ws('/', fingerprint, left(pg_walfile_name(pg_current_wal_lsn()), 8)); -- the timeline
    EXCEPTION WHEN OTHERS THEN
        fingerprint := fingerprint || '/-';
    END;
    RETURN fingerprint;
END
$$;
-- +goose StatementEnd

-- Numbers at most that many events whose transactions have committed, and answers how many it were. Callers wait for one
-- another, and each sees all that the one before has committed. Nothing is locked or written when there is nothing to do.
-- A caller says which number it has reached: a database that knows only smaller ones was put back to an earlier state.
-- +goose StatementBegin
CREATE FUNCTION platform.number_outbox(stream text, most integer, reached bigint, moment timestamptz) RETURNS bigint
    LANGUAGE plpgsql AS
$$
DECLARE
    head     platform.outbox_heads;
    present  text := platform.database_fingerprint();
    numbered bigint;
BEGIN
    SELECT * INTO head FROM platform.outbox_heads AS h WHERE h.system = stream;
    IF head.fingerprint = present AND head.n >= reached
        AND NOT EXISTS (SELECT FROM platform.outbox AS o WHERE o.system = stream) THEN
        RETURN 0;
    END IF;
    IF current_setting('synchronous_commit') = 'off' THEN
        -- A number that was shown to clients must not be given again after a crash of the server.
        PERFORM set_config('synchronous_commit', 'on', true);
    END IF;
    INSERT INTO platform.outbox_heads (system, epoch, fingerprint, n) VALUES (stream, '', '', 0) ON CONFLICT DO NOTHING;
    SELECT * INTO head FROM platform.outbox_heads AS h WHERE h.system = stream FOR UPDATE;
    IF head.fingerprint <> present OR head.n < reached THEN
        head.epoch := left(replace(gen_random_uuid()::text, '-', ''), 12);
        head.n := greatest(head.n, reached);
    END IF;
    WITH committed AS (
        DELETE FROM platform.outbox AS o
        WHERE o.system = stream
          AND o.id IN (SELECT p.id FROM platform.outbox AS p WHERE p.system = stream ORDER BY p.id LIMIT most)
        RETURNING o.*
    )
    INSERT INTO platform.outbox_log (system, n, room, event, payload, numbered_at)
    SELECT c.system, head.n + row_number() OVER (ORDER BY c.id), c.room, c.event, c.payload, moment FROM committed AS c;
    GET DIAGNOSTICS numbered = ROW_COUNT;
    UPDATE platform.outbox_heads AS h SET epoch = head.epoch, fingerprint = present, n = head.n + numbered WHERE h.system = stream;
    RETURN numbered;
END
$$;
-- +goose StatementEnd

-- Forgets at most that many of the oldest events if they were numbered before the moment given, and answers how many it
-- were. Always a prefix is forgotten, also when clocks disagree.
-- +goose StatementBegin
CREATE FUNCTION platform.purge_outbox(stream text, most integer, before timestamptz) RETURNS bigint
    LANGUAGE plpgsql AS
$$
DECLARE
    head platform.outbox_heads;
    upto bigint;
    gone bigint;
BEGIN
    SELECT * INTO head FROM platform.outbox_heads AS h WHERE h.system = stream FOR UPDATE;
    SELECT coalesce(min(l.n) FILTER (WHERE l.numbered_at >= before) - 1, max(l.n)) INTO upto
    FROM (SELECT m.n, m.numbered_at FROM platform.outbox_log AS m
          WHERE m.system = stream AND m.n > head.purged ORDER BY m.n LIMIT most) AS l;
    IF upto IS NULL OR upto <= head.purged THEN
        RETURN 0;
    END IF;
    DELETE FROM platform.outbox_log AS m WHERE m.system = stream AND m.n <= upto;
    GET DIAGNOSTICS gone = ROW_COUNT;
    UPDATE platform.outbox_heads AS h SET purged = upto WHERE h.system = stream;
    RETURN gone;
END
$$;
-- +goose StatementEnd

-- +goose Down
DROP FUNCTION platform.purge_outbox(text, integer, timestamptz);
DROP FUNCTION platform.number_outbox(text, integer, bigint, timestamptz);
DROP FUNCTION platform.database_fingerprint();
DROP TABLE platform.outbox_heads;
DROP TABLE platform.outbox_log;
DROP TABLE platform.outbox;
