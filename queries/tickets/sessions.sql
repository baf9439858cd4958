-- name: InsertSession :execrows
-- Begins a session unless the password that was checked was changed, or the account deleted, meanwhile.
INSERT INTO sessions (id, user_id, expires_at)
SELECT @id::uuid, u.id, @expires_at::timestamptz FROM users u
WHERE u.id = @user_id AND u.password_hash = @password_hash FOR SHARE;

-- name: GetSessionUser :one
-- The user whose session this is, while it lasts.
SELECT u.id, u.nom, u.role FROM sessions s JOIN users u ON u.id = s.user_id
WHERE s.id = @id AND s.expires_at > @now;

-- name: ListSessions :many
-- Those of the list that last.
SELECT id FROM sessions WHERE id = ANY (@ids::uuid[]) AND expires_at > @now;

-- name: DeleteSessionsOfUser :exec
DELETE FROM sessions WHERE user_id = $1;

-- name: DeleteExpiredSessions :execrows
-- Leaves those that somebody holds for the next time.
DELETE FROM sessions WHERE id IN (SELECT s.id FROM sessions s WHERE s.expires_at <= @now FOR UPDATE SKIP LOCKED);
