-- name: InsertServer :exec
-- A process takes a lease, unless it has one.
INSERT INTO servers (id, lease_until) VALUES ($1, $2) ON CONFLICT DO NOTHING;

-- name: RenewServer :execrows
UPDATE servers SET lease_until = @lease_until WHERE id = @id;

-- name: GrantGrace :exec
-- No lease ends before.
UPDATE servers SET lease_until = @lease_until WHERE lease_until < @lease_until;

-- name: DeleteLapsedServers :exec
-- Leaves those that somebody still counts as connected to.
DELETE FROM servers s WHERE s.lease_until <= @now AND NOT EXISTS (SELECT FROM connections o WHERE o.server_id = s.id);
