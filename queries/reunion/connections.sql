-- name: InsertConnection :exec
-- A socket acts for a client. Again changes nothing.
INSERT INTO connections (id, server_id, client_id) VALUES (@id, @server_id, @client_id) ON CONFLICT DO NOTHING;

-- name: DeleteConnection :exec
DELETE FROM connections WHERE id = $1;

-- name: DeleteLapsedConnection :exec
-- Unless its process vouches for it again.
DELETE FROM connections o USING servers s WHERE o.id = @id AND s.id = o.server_id AND s.lease_until <= sqlc.arg(now)::timestamptz;

-- name: ListLapsedConnections :many
-- Those whose process does not vouch for them any more.
SELECT o.id, o.client_id, c.reunion_id
FROM connections o JOIN servers s ON s.id = o.server_id JOIN clients c ON c.id = o.client_id
WHERE s.lease_until <= @now
ORDER BY o.id;
