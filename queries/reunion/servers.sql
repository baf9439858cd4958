-- name: InsertServer :exec
-- A process takes a lease, unless it has one.
INSERT INTO servers (id, lease_until) VALUES ($1, $2) ON CONFLICT DO NOTHING;

-- name: RenewServer :execrows
-- Prolongs a lease that has not ended.
UPDATE servers SET lease_until = @lease_until WHERE id = @id AND lease_until > @now;

-- name: RestoreServer :exec
-- Takes a lease anew, after the one before has ended.
INSERT INTO servers (id, lease_until) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET lease_until = excluded.lease_until;

-- name: GrantGrace :exec
-- No lease ends before.
UPDATE servers SET lease_until = @lease_until WHERE lease_until < @lease_until;

-- name: DeleteLapsedServers :exec
-- Leaves those that somebody still counts as connected to.
DELETE FROM servers s WHERE s.lease_until <= @now AND NOT EXISTS (SELECT FROM connections o WHERE o.server_id = s.id);
