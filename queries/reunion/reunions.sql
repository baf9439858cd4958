-- Locks are taken in one order: the réunion, then its clients. Whoever changes a client holds the réunion FOR SHARE, so that
-- a réunion that is closed has no open carts.

-- name: InsertReunion :execrows
-- Makes a réunion unless there is one with its id.
INSERT INTO reunions (id, owner_id, created_at) VALUES (@id, @owner_id, @created_at) ON CONFLICT DO NOTHING;

-- name: GetReunion :one
SELECT * FROM reunions WHERE id = $1;

-- name: ShareReunion :one
-- Nobody closes the réunion before the transaction ends.
SELECT * FROM reunions WHERE id = $1 FOR SHARE;

-- name: CloseReunion :one
UPDATE reunions SET status = 'terminee', closed_at = sqlc.arg(now)::timestamptz WHERE id = @id AND status = 'active' RETURNING *;

-- name: ListReunionsByOwner :many
-- Newest first, each with how many joined. The page's ids come from an index alone, before the clients are counted.
SELECT r.*, (SELECT count(*) FROM clients c WHERE c.reunion_id = r.id) AS clients
FROM reunions r WHERE r.id = ANY (ARRAY(
    SELECT p.id FROM reunions p WHERE p.owner_id = @owner_id
    ORDER BY p.created_at DESC, p.id DESC LIMIT @max_rows OFFSET sqlc.arg(skip_rows)::bigint))
ORDER BY r.created_at DESC, r.id DESC;

-- name: CountReunionsByOwner :one
SELECT count(*) FROM reunions WHERE owner_id = $1;
