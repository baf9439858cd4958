-- name: GetTotals :one
SELECT * FROM totals;

-- name: GetStatistics :one
-- Users, tickets, prizes and stock at one moment.
SELECT sqlc.embed(t), p.prizes, p.active, p.stock
FROM totals t CROSS JOIN (
    SELECT count(*) AS prizes, count(*) FILTER (WHERE is_active) AS active,
           coalesce(sum((SELECT sum(s.remaining) FROM prize_stock s WHERE s.prize_id = prizes.id)) FILTER (WHERE is_active), 0)::bigint AS stock
    FROM prizes) AS p;

-- name: GetDeskStatistics :one
-- What the desk did since a moment, and what waits.
SELECT (SELECT count(*) FROM tickets v WHERE v.validated_at >= @since) AS validated,
       (SELECT count(*) FROM tickets r WHERE r.rejected_at >= @since) AS rejected,
       tickets_pending AS pending
FROM totals;
