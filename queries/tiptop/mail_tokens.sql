-- name: PutMailToken :exec
-- Gives the account with this address a token in place of its older one; does nothing, as slowly, when there is no such account.
INSERT INTO mail_tokens (id, user_id, purpose, hash, expires_at)
SELECT @id::uuid, u.id, @purpose::text, @hash::bytea, @expires_at::timestamptz FROM users u WHERE u.email = @email FOR KEY SHARE
ON CONFLICT (user_id, purpose) DO UPDATE SET id = excluded.id, hash = excluded.hash, expires_at = excluded.expires_at;

-- name: GetMailToken :one
-- What the mail's job needs to write to the account's owner.
SELECT t.purpose, t.expires_at, u.email FROM mail_tokens t JOIN users u ON u.id = t.user_id
WHERE t.id = $1;

-- name: HasMailToken :one
SELECT EXISTS (SELECT FROM mail_tokens WHERE hash = @hash AND purpose = @purpose AND expires_at > @now);

-- name: RedeemMailToken :one
-- Single use: the row that is found is gone.
DELETE FROM mail_tokens WHERE hash = @hash AND purpose = @purpose AND expires_at > @now
RETURNING user_id;

-- name: DeleteMailToken :exec
DELETE FROM mail_tokens WHERE user_id = $1 AND purpose = $2;

-- name: DeleteExpiredMailTokens :execrows
-- Leaves those that somebody holds for the next time.
DELETE FROM mail_tokens WHERE id IN (SELECT t.id FROM mail_tokens t WHERE t.expires_at <= @now FOR UPDATE SKIP LOCKED);
