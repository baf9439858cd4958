-- name: LockSession :exec
-- Waits for a lock that lasts as long as this connection or until UnlockSession.
SELECT pg_advisory_lock(@key::bigint);

-- name: UnlockSession :exec
SELECT pg_advisory_unlock(@key::bigint);
