-- name: TryLockSession :one
-- Takes a lock that lasts as long as this connection, if it is free.
SELECT pg_try_advisory_lock(@key::bigint)::boolean AS got;
