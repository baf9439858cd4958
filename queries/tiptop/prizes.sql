-- name: InsertPrize :one
INSERT INTO prizes (id, type, name, description, value_cents, probability, initial_stock, created_at)
VALUES (@id, @type, @name, @description, @value_cents, @probability, @initial_stock, @created_at)
RETURNING *;

-- name: ListPrizes :many
SELECT sqlc.embed(p), (SELECT sum(s.remaining) FROM prize_stock s WHERE s.prize_id = p.id)::integer AS stock
FROM prizes p ORDER BY p.created_at, p.id;

-- name: InsertPrizeOnce :execrows
INSERT INTO prizes (id, type, name, description, value_cents, probability, initial_stock, created_at)
VALUES (@id, @type, @name, @description, @value_cents, @probability, @initial_stock, @created_at)
ON CONFLICT DO NOTHING;

-- name: LockPrize :one
-- The weaker lock: players who hold some of its stock must still be able to refer to it.
SELECT * FROM prizes WHERE id = $1 FOR NO KEY UPDATE;

-- name: UpdatePrize :one
UPDATE prizes SET
    name          = coalesce(sqlc.narg(name), name),
    description   = CASE WHEN @set_description::boolean THEN sqlc.narg(description) ELSE description END,
    value_cents   = coalesce(sqlc.narg(value_cents), value_cents),
    probability   = coalesce(sqlc.narg(probability), probability),
    is_active     = coalesce(sqlc.narg(is_active), is_active),
    initial_stock = initial_stock + @stock_added
WHERE id = @id
RETURNING *;

-- name: DeactivatePrize :one
UPDATE prizes SET is_active = false WHERE id = $1 RETURNING id;

-- name: ListDrawablePrizes :many
-- The active prizes that have stock left.
SELECT p.id, p.type, p.name, p.description, p.value_cents, p.probability FROM prizes p
WHERE p.is_active AND EXISTS (SELECT FROM prize_stock s WHERE s.prize_id = p.id AND s.remaining > 0)
ORDER BY p.id;
