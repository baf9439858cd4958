-- name: InsertPrize :one
INSERT INTO prizes (id, type, name, description, value_cents, probability, initial_stock, created_at)
VALUES (@id, @type, @name, @description, @value_cents, @probability, @initial_stock, @created_at)
RETURNING *;

-- name: ListPrizes :many
SELECT sqlc.embed(p), (SELECT sum(s.remaining) FROM prize_stock s WHERE s.prize_id = p.id)::integer AS stock
FROM prizes p ORDER BY p.created_at, p.id;

-- name: LockPrize :one
SELECT * FROM prizes WHERE id = $1 FOR UPDATE;

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

-- name: DeactivatePrize :execrows
UPDATE prizes SET is_active = false WHERE id = $1;

-- name: ListDrawablePrizes :many
-- The active prizes that have stock left.
SELECT p.id, p.type, p.name, p.description, p.value_cents, p.probability FROM prizes p
WHERE p.is_active AND EXISTS (SELECT FROM prize_stock s WHERE s.prize_id = p.id AND s.remaining > 0)
ORDER BY p.id;

-- name: CountPrizes :one
SELECT count(*) AS total, count(*) FILTER (WHERE is_active) AS active,
       coalesce(sum((SELECT sum(s.remaining) FROM prize_stock s WHERE s.prize_id = p.id)) FILTER (WHERE is_active), 0)::bigint AS stock
FROM prizes p;
