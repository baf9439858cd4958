-- name: InsertConnection :exec
-- A socket acts for a client. Again changes nothing.
INSERT INTO connections (id, server_id, client_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING;

-- name: DeleteConnection :exec
DELETE FROM connections WHERE id = $1;

-- name: ListStrayConnections :many
-- Those that no process vouches for: their own has ended, or does not have them any more.
SELECT o.id, o.client_id, c.reunion_id
FROM connections o JOIN servers s ON s.id = o.server_id JOIN clients c ON c.id = o.client_id
WHERE s.lease_until <= @now OR o.server_id = @server_id AND o.id <> ALL (sqlc.arg(live)::uuid[])
ORDER BY o.id;
