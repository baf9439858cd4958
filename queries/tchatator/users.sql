-- name: InsertUser :one
INSERT INTO users (kind, name, token_hash, created_at) VALUES (@kind, @name, @token_hash, @created_at) RETURNING *;

-- name: InsertDemoUser :exec
INSERT INTO users (id, kind, name, token_hash, created_at) VALUES (@id, @kind, @name, @token_hash, @created_at)
ON CONFLICT DO NOTHING;

-- name: SetConfiguredToken :one
-- The administrator of the settings, made when it is first needed.
INSERT INTO users (kind, name, token_hash, configured, created_at) VALUES ('administrator', @name, @token_hash, true, @created_at)
ON CONFLICT (configured) WHERE configured DO UPDATE SET token_hash = excluded.token_hash RETURNING id;

-- name: ClearConfiguredToken :many
UPDATE users SET token_hash = NULL WHERE configured RETURNING id;

-- name: SetToken :execrows
UPDATE users SET token_hash = @token_hash WHERE id = @id;

-- name: ListUsers :many
SELECT u.id, u.kind, u.name, u.created_at, EXISTS (SELECT FROM banned_user b WHERE b.user_id = u.id) AS banned,
    EXISTS (SELECT FROM seat s WHERE s.user_id = u.id) AS connected
FROM users u WHERE u.id > @after ORDER BY u.id LIMIT @most;

-- name: GetUserByToken :one
SELECT u.id, u.kind, u.name, EXISTS (SELECT FROM banned_user b WHERE b.user_id = u.id) AS banned
FROM users u WHERE u.token_hash = @token_hash;

-- name: GetUser :one
SELECT u.id, u.kind, u.name, EXISTS (SELECT FROM seat s WHERE s.user_id = u.id) AS connected
FROM users u WHERE u.id = @id;

-- name: ListAllowed :many
-- Of these users those that may go on with their token: not banned, and the token is still theirs.
SELECT u.id, u.token_hash FROM users u
WHERE u.id = ANY(@ids::bigint[]) AND u.token_hash IS NOT NULL AND NOT EXISTS (SELECT FROM banned_user b WHERE b.user_id = u.id);

-- name: GetDatabaseTime :one
SELECT now()::timestamptz AS now;
