-- name: TakeRate :one
-- Charges every key at @moment or none; 0, or the microseconds until all have room.
SELECT take_rate(@keys::bytea[], @limits::integer[], @microseconds::bigint[], @moment::timestamptz)::bigint AS wait;

-- name: RefundRate :exec
-- Takes back one charge that was made at @moment from every key. Locks in key order, as take_rate does.
WITH charged AS (
    SELECT r.key FROM rate_limits AS r WHERE r.key = ANY (@keys::bytea[]) ORDER BY r.key FOR UPDATE
)
UPDATE rate_limits AS r
SET charges = r.charges[:array_position(r.charges, @moment::timestamptz) - 1]
    || r.charges[array_position(r.charges, @moment::timestamptz) + 1:]
FROM charged
WHERE r.key = charged.key AND @moment::timestamptz = ANY (r.charges);

-- name: PurgeRates :execrows
-- Deletes rows that no longer say anything, but for those in use this very moment.
DELETE FROM rate_limits
WHERE key IN (SELECT r.key FROM rate_limits AS r WHERE r.expires_at < @moment::timestamptz FOR UPDATE SKIP LOCKED);
