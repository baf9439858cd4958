-- name: InsertStock :exec
-- Spreads a new prize's stock evenly over the eight shards.
INSERT INTO prize_stock (prize_id, shard, remaining)
SELECT sqlc.arg(prize_id)::uuid, n.shard, sqlc.arg(stock)::integer / 8 + (n.shard < sqlc.arg(stock)::integer % 8)::integer
FROM (SELECT generate_series(0, 7)::smallint AS shard) AS n;

-- name: TakeStock :execrows
-- Takes one from any shard that nobody holds, this session's own first. 0 rows: every shard is empty or held.
UPDATE prize_stock SET remaining = remaining - 1
WHERE prize_stock.prize_id = @prize_id AND prize_stock.shard = (
    SELECT s.shard FROM prize_stock s WHERE s.prize_id = @prize_id AND s.remaining > 0
    ORDER BY (s.shard - pg_backend_pid()) & 7 LIMIT 1 FOR UPDATE SKIP LOCKED);

-- name: TakeStockWaiting :execrows
-- The same, but waits for whoever holds the shard. 0 rows: it was emptied meanwhile; look at the prizes again.
UPDATE prize_stock SET remaining = remaining - 1
WHERE prize_stock.prize_id = @prize_id AND prize_stock.shard = (
    SELECT s.shard FROM prize_stock s WHERE s.prize_id = @prize_id AND s.remaining > 0
    ORDER BY (s.shard - pg_backend_pid()) & 7 LIMIT 1 FOR UPDATE);

-- name: ReturnStock :exec
UPDATE prize_stock SET remaining = remaining + 1 WHERE prize_id = @prize_id AND shard = pg_backend_pid() & 7;

-- name: LockStock :many
-- Holds a prize's whole stock, so that it can be counted and set.
SELECT remaining FROM prize_stock WHERE prize_id = $1 ORDER BY shard FOR UPDATE;

-- name: SetStock :exec
UPDATE prize_stock SET remaining = sqlc.arg(stock)::integer / 8 + (shard < sqlc.arg(stock)::integer % 8)::integer WHERE prize_id = @prize_id;
