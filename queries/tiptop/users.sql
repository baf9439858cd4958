-- name: InsertUser :one
INSERT INTO users (id, email, password_hash, first_name, last_name, phone, address, city, postal_code, role, is_verified, created_at)
VALUES (@id, @email, @password_hash, @first_name, @last_name, @phone, @address, @city, @postal_code, @role, @is_verified, @created_at)
RETURNING *;

-- name: GetUser :one
SELECT * FROM users WHERE id = $1;

-- name: GetUserByEmail :one
SELECT * FROM users WHERE email = $1;

-- name: ListUsers :many
SELECT * FROM users
ORDER BY created_at DESC, id DESC LIMIT @max_rows OFFSET sqlc.arg(skip_rows)::bigint;

-- name: ListUsersByRole :many
SELECT * FROM users
WHERE role = @role
ORDER BY created_at DESC, id DESC LIMIT @max_rows OFFSET sqlc.arg(skip_rows)::bigint;

-- name: UpdateProfile :one
-- A set_ flag tells a field to write, null included, from one to leave.
UPDATE users SET
    first_name  = coalesce(sqlc.narg(first_name), first_name),
    last_name   = coalesce(sqlc.narg(last_name), last_name),
    phone       = CASE WHEN @set_phone::boolean THEN sqlc.narg(phone) ELSE phone END,
    address     = CASE WHEN @set_address::boolean THEN sqlc.narg(address) ELSE address END,
    city        = CASE WHEN @set_city::boolean THEN sqlc.narg(city) ELSE city END,
    postal_code = CASE WHEN @set_postal_code::boolean THEN sqlc.narg(postal_code) ELSE postal_code END
WHERE id = @id
RETURNING *;

-- name: UpdateUser :one
UPDATE users SET
    role        = coalesce(sqlc.narg(role), role),
    is_verified = coalesce(sqlc.narg(is_verified), is_verified),
    first_name  = coalesce(sqlc.narg(first_name), first_name),
    last_name   = coalesce(sqlc.narg(last_name), last_name)
WHERE id = @id
RETURNING *;

-- name: VerifyUser :exec
UPDATE users SET is_verified = true WHERE id = $1 AND NOT is_verified;

-- name: UpdatePassword :execrows
UPDATE users SET password_hash = @password_hash WHERE id = @id;

-- name: DeleteUser :execrows
DELETE FROM users WHERE id = $1;

-- name: LockAdmins :many
-- Whoever may end an administrator's role holds all administrators, so that two of them cannot remove each other at once.
SELECT id FROM users WHERE role = 'ADMIN' ORDER BY id FOR UPDATE;
