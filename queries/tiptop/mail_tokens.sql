-- name: InsertMailToken :exec
INSERT INTO mail_tokens (id, user_id, purpose, hash, expires_at) VALUES ($1, $2, $3, $4, $5);

-- name: GetMailToken :one
-- What the mail's job needs to write to the account's owner.
SELECT t.id, t.purpose, t.expires_at, u.email, u.first_name
FROM mail_tokens t JOIN users u ON u.id = t.user_id
WHERE t.id = $1;

-- name: RedeemMailToken :one
-- Single use: the row that is found is gone.
DELETE FROM mail_tokens WHERE hash = @hash AND purpose = @purpose AND expires_at > @now
RETURNING user_id;

-- name: DeleteMailTokens :exec
DELETE FROM mail_tokens WHERE user_id = $1 AND purpose = $2;

-- name: DeleteExpiredMailTokens :execrows
DELETE FROM mail_tokens WHERE expires_at <= @now;
