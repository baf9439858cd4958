-- name: InsertBan :exec
INSERT INTO banned_user (user_id, since) VALUES (@user_id, @since) ON CONFLICT DO NOTHING;

-- name: DeleteBan :execrows
DELETE FROM banned_user WHERE user_id = @user_id;

-- name: UserExists :one
SELECT EXISTS (SELECT FROM users u WHERE u.id = @id);

-- name: NotifyUser :exec
-- Tells every process that a user's right to be here has changed, after the commit. Bans are few: one may wait for another.
SELECT pg_notify('tchatator_user', u.id::text) FROM users u WHERE u.id = @id;
