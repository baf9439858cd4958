-- name: InsertClient :one
INSERT INTO clients (id, reunion_id, resume_hash, name, email, joined_at)
VALUES (@id, @reunion_id, @resume_hash, @name, @email, @joined_at)
RETURNING *;

-- name: LockClient :one
SELECT * FROM clients WHERE id = $1 FOR NO KEY UPDATE;

-- name: ListClients :many
SELECT * FROM clients WHERE reunion_id = $1 ORDER BY joined_at, id;

-- name: ReturnClient :one
-- A client is there again: its cart is open unless it was validated. A name or address that is given replaces the old one.
UPDATE clients SET
    status = CASE status WHEN 'valide' THEN status ELSE 'en_cours' END,
    disconnected_at = NULL,
    name = coalesce(sqlc.narg(name), name),
    email = coalesce(sqlc.narg(email), email)
WHERE id = @id
RETURNING *;

-- name: UpdateCart :execrows
-- Unless the cart was validated. Whoever acts is there, even if it counted as gone.
UPDATE clients SET cart = @cart, status = 'en_cours', disconnected_at = NULL WHERE id = @id AND status <> 'valide';

-- name: ValidateCart :execrows
-- Once.
UPDATE clients SET status = 'valide', validated_at = sqlc.arg(now)::timestamptz, comment = sqlc.narg(comment), disconnected_at = NULL
WHERE id = @id AND status <> 'valide';

-- name: AbandonCarts :exec
-- The open carts of a réunion that is over.
UPDATE clients SET status = 'non_finalise' WHERE reunion_id = $1 AND status = 'en_cours';

-- name: LeaveClient :one
-- A client that no socket acts for any more is gone. Those of a doubted process do not count, unless it is the caller's own.
UPDATE clients c SET
    status = CASE c.status WHEN 'valide' THEN c.status ELSE 'non_finalise' END,
    disconnected_at = sqlc.arg(now)::timestamptz
WHERE c.id = @id AND c.disconnected_at IS NULL AND NOT EXISTS (
    SELECT FROM connections o JOIN servers s ON s.id = o.server_id
    WHERE o.client_id = c.id AND (NOT s.doubted OR s.id = @server_id))
RETURNING c.status;

-- name: ListUntoldValidations :many
-- The oldest that the host was not told of.
SELECT * FROM clients WHERE reunion_id = @reunion_id AND validated_at IS NOT NULL AND told_at IS NULL
ORDER BY validated_at, id LIMIT @max_rows;

-- name: TellValidations :exec
UPDATE clients SET told_at = sqlc.arg(now)::timestamptz
WHERE id = ANY (sqlc.arg(ids)::text[]) AND validated_at IS NOT NULL AND told_at IS NULL;

-- name: RecallValidations :exec
-- What the host was told between two moments may not have reached it.
UPDATE clients SET told_at = NULL WHERE reunion_id = @reunion_id AND told_at > sqlc.arg(after)::timestamptz AND told_at <= sqlc.arg(upto)::timestamptz;
