-- +goose Up

-- One row per limited subject: when it was charged within its period. A row is never longer than its limit, and the window
-- slides exactly: no moment has more than the limit behind it within one period.
CREATE TABLE rate_limits (
    key        bytea PRIMARY KEY,      -- keyed hash of the subject: no address, no e-mail
    charges    timestamptz[] NOT NULL,
    expires_at timestamptz NOT NULL    -- from then on the row says nothing and may be purged
);

CREATE INDEX rate_limits_expires_at ON rate_limits (expires_at);

-- Charges all the keys at the moment given, or none of them when one is at its limit. Answers 0 when charged, else the
-- microseconds until every one of them has room. Rows are locked in key order, so that callers who share keys wait for one
-- another and never deadlock.
-- +goose StatementBegin
CREATE FUNCTION take_rate(keys bytea[], limits integer[], microseconds bigint[], moment timestamptz) RETURNS bigint
    LANGUAGE plpgsql AS
$$
DECLARE
    subject record;
    live    timestamptz[];
    wait    interval := '0';
BEGIN
    FOR subject IN
        SELECT k.key, k.most, k.us * interval '1 microsecond' AS period
        FROM unnest(keys, limits, microseconds) AS k (key, most, us)
        ORDER BY k.key
    LOOP
        INSERT INTO rate_limits AS r (key, charges, expires_at)
        VALUES (subject.key, '{}', moment + subject.period)
        ON CONFLICT (key) DO UPDATE SET expires_at = greatest(r.expires_at, excluded.expires_at)
        RETURNING ARRAY (SELECT t FROM unnest(r.charges) AS t WHERE t > moment - subject.period ORDER BY t) INTO live;
        IF cardinality(live) >= subject.most THEN
            wait := greatest(wait, live[cardinality(live) - subject.most + 1] + subject.period - moment);
        END IF;
    END LOOP;
    IF wait > '0' THEN
        RETURN ceil(extract(EPOCH FROM wait) * 1000000);
    END IF;
    UPDATE rate_limits AS r
    SET charges = ARRAY (SELECT t FROM unnest(r.charges) AS t WHERE t > moment - k.us * interval '1 microsecond') || moment
    FROM unnest(keys, microseconds) AS k (key, us)
    WHERE r.key = k.key;
    RETURN 0;
END
$$;
-- +goose StatementEnd

-- +goose Down
DROP FUNCTION take_rate(bytea[], integer[], bigint[], timestamptz);
DROP TABLE rate_limits;
