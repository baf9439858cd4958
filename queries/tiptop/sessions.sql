-- name: InsertSession :exec
INSERT INTO sessions (id, user_id, expires_at) VALUES ($1, $2, $3);

-- name: GetSessionUser :one
-- The user whose session this is, while it lasts.
SELECT u.id, u.role FROM sessions s JOIN users u ON u.id = s.user_id
WHERE s.id = @id AND s.expires_at > @now;

-- name: DeleteSession :exec
DELETE FROM sessions WHERE id = $1;

-- name: DeleteSessionsOfUser :exec
DELETE FROM sessions WHERE user_id = $1;

-- name: DeleteExpiredSessions :execrows
DELETE FROM sessions WHERE expires_at <= @now;
