-- name: InsertUser :one
INSERT INTO users (id, email, password_hash, nom, role, created_at)
VALUES (@id, @email, @password_hash, @nom, @role, @created_at)
RETURNING *;

-- name: GetUserByEmail :one
SELECT * FROM users WHERE email = $1;

-- name: ListUsersAfter :many
-- The thousand accounts that follow one, oldest first.
SELECT * FROM users WHERE (created_at, id) > (sqlc.arg(created_at)::timestamptz, sqlc.arg(id)::uuid)
ORDER BY created_at, id LIMIT 1000;

-- name: SetPassword :one
UPDATE users SET password_hash = @password_hash WHERE email = @email RETURNING id;
