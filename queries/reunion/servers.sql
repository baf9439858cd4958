-- name: InsertServer :exec
-- A process takes a lease, unless it has one.
INSERT INTO servers (id, lease_until) VALUES ($1, $2) ON CONFLICT DO NOTHING;

-- name: RenewServer :one
-- Prolongs a lease that has not ended, and tells whether the process was doubted.
UPDATE servers s SET lease_until = @lease_until, doubted = false
FROM (SELECT o.id, o.doubted FROM servers o WHERE o.id = @id FOR UPDATE) AS before
WHERE s.id = before.id AND s.lease_until > sqlc.arg(now)::timestamptz
RETURNING before.doubted;

-- name: RestoreServer :exec
-- Takes a lease anew, after the one before has ended.
INSERT INTO servers (id, lease_until) VALUES ($1, $2)
ON CONFLICT (id) DO UPDATE SET lease_until = excluded.lease_until, doubted = false;

-- name: DoubtServers :exec
-- A process has started: no lease ends before, and none of the others may be alive.
UPDATE servers SET lease_until = greatest(lease_until, @lease_until), doubted = true WHERE id <> @id;

-- name: DeleteLapsedServers :exec
-- Leaves those that somebody still counts as connected to.
DELETE FROM servers s WHERE s.lease_until <= @now AND NOT EXISTS (SELECT FROM connections o WHERE o.server_id = s.id);
