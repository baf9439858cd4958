-- name: InsertUser :one
INSERT INTO users (id, email, password_hash, first_name, last_name, phone, address, city, postal_code, role, is_verified, created_at)
VALUES (@id, @email, @password_hash, @first_name, @last_name, @phone, @address, @city, @postal_code, @role, @is_verified, @created_at)
RETURNING *;

-- name: GetUser :one
SELECT * FROM users WHERE id = $1;

-- name: GetUserByEmail :one
SELECT * FROM users WHERE email = $1;

-- name: ListUsers :many
-- Paged as tickets are: see there.
SELECT * FROM users WHERE id = ANY (ARRAY(
    SELECT u.id FROM users u
    ORDER BY u.created_at DESC, u.id DESC LIMIT @max_rows OFFSET sqlc.arg(skip_rows)::bigint))
ORDER BY created_at DESC, id DESC;

-- name: ListUsersByRole :many
SELECT * FROM users WHERE id = ANY (ARRAY(
    SELECT u.id FROM users u WHERE u.role = @role
    ORDER BY u.created_at DESC, u.id DESC LIMIT @max_rows OFFSET sqlc.arg(skip_rows)::bigint))
ORDER BY created_at DESC, id DESC;

-- name: ListUsersAfter :many
-- The thousand accounts that follow one, oldest first.
SELECT * FROM users WHERE (created_at, id) > (sqlc.arg(created_at)::timestamptz, sqlc.arg(id)::uuid)
ORDER BY created_at, id LIMIT 1000;

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

-- name: SetPassword :one
-- With old_hash, only while that is still the password.
UPDATE users SET password_hash = @new_hash
WHERE id = @id AND password_hash = coalesce(sqlc.narg(old_hash), password_hash)
RETURNING id;

-- name: DeleteUser :one
DELETE FROM users WHERE id = $1 RETURNING id;

-- name: LockAdmins :many
-- Whoever may end an administrator's role holds all administrators, so that two of them cannot remove each other at once.
-- The lock leaves their sessions alone.
SELECT id FROM users WHERE role = 'ADMIN' ORDER BY id FOR NO KEY UPDATE;
