-- name: CountTally :one
-- How many tickets of a kind there are. The counters do not know how the SLA of open tickets stands: where that is asked for, those
-- that are past a threshold are counted.
SELECT (CASE sqlc.narg(sla_status)::text
    WHEN 'ok' THEN tallied.frozen + tallied.running - crossed.warned
    WHEN 'warning' THEN tallied.frozen + crossed.warned - crossed.breached
    WHEN 'breach' THEN tallied.frozen + crossed.breached
    ELSE tallied.total END)::bigint AS total
FROM (
    SELECT coalesce(sum(y.n), 0) AS total, coalesce(sum(y.n) FILTER (WHERE y.sla_final = ''), 0) AS running,
           coalesce(sum(y.n) FILTER (WHERE y.sla_final = sqlc.narg(sla_status)), 0) AS frozen
    FROM tally y
    WHERE (sqlc.narg(status)::text IS NULL OR y.status = sqlc.narg(status))
      AND (sqlc.narg(priority)::text IS NULL OR y.priority = sqlc.narg(priority))
      AND (sqlc.narg(categorie)::text IS NULL OR y.categorie = sqlc.narg(categorie))
) AS tallied CROSS JOIN (
    SELECT count(*) AS warned, count(*) FILTER (WHERE t.date_limite <= @now::timestamptz) AS breached
    FROM tickets t
    WHERE sqlc.narg(sla_status)::text IS NOT NULL AND t.sla_final IS NULL AND t.date_alerte <= @now::timestamptz
      AND (sqlc.narg(status)::text IS NULL OR t.status = sqlc.narg(status))
      AND (sqlc.narg(priority)::text IS NULL OR t.priority = sqlc.narg(priority))
      AND (sqlc.narg(categorie)::text IS NULL OR t.categorie = sqlc.narg(categorie))
) AS crossed;

-- name: GetTally :many
-- How many tickets there are of each kind; sla is '' where it still runs.
SELECT status, priority, categorie, sla_final::text AS sla, sum(n)::bigint AS n FROM tally GROUP BY 1, 2, 3, 4;

-- name: CompactTally :exec
-- Sums up what was counted so far, once it is more than a few rows: one row for each kind. Readers see all of it or nothing.
WITH counted AS (DELETE FROM tally WHERE (SELECT count(*) FROM tally) > 1000 RETURNING *)
INSERT INTO tally SELECT status, priority, categorie, sla_final, sum(n) FROM counted GROUP BY 1, 2, 3, 4 HAVING sum(n) <> 0;

-- name: CompactOwnerTally :exec
-- The same by client and chantier, once there are also three rows or more for each.
WITH counted AS (
    DELETE FROM owner_tally
    WHERE (SELECT count(*) > 1000 AND count(*) >= 3 * count(DISTINCT (client_id, chantier_id)) FROM owner_tally) RETURNING *
)
INSERT INTO owner_tally SELECT client_id, chantier_id, sum(total), sum(ouverts) FROM counted GROUP BY 1, 2 HAVING sum(total) <> 0;

-- name: CountCrossed :one
-- How many open tickets are past their warning, and how many of those past their deadline.
SELECT (SELECT count(*) FROM tickets w WHERE w.sla_final IS NULL AND w.date_alerte <= @now) AS warned,
       (SELECT count(*) FROM tickets b WHERE b.sla_final IS NULL AND b.date_limite <= @now) AS breached;

-- name: CountKinds :many
-- How many tickets there are of each kind, of a client, a chantier or a period. Filters as in ListTickets.
SELECT t.status, t.priority, t.categorie,
       coalesce(t.sla_final, CASE WHEN t.date_limite <= @now THEN 'breach' WHEN t.date_alerte <= @now THEN 'warning' ELSE 'ok' END)::text AS sla,
       count(*) AS n
FROM tickets t
WHERE (sqlc.narg(client_id)::uuid IS NULL OR t.client_id = sqlc.narg(client_id))
  AND (sqlc.narg(chantier_id)::uuid IS NULL OR t.chantier_id = sqlc.narg(chantier_id))
  AND (sqlc.narg(created_from)::timestamptz IS NULL OR t.date_creation >= sqlc.narg(created_from))
  AND (sqlc.narg(created_before)::timestamptz IS NULL OR t.date_creation < sqlc.narg(created_before))
GROUP BY 1, 2, 3, 4;

-- name: CountCreatedByDay :many
-- How many tickets were created in each of the spans between successive moments, the first of which is 1.
SELECT width_bucket(t.date_creation, @bounds::timestamptz[]) AS span, count(*) AS n
FROM tickets t
WHERE t.date_creation >= @since AND t.date_creation < @until
  AND (sqlc.narg(client_id)::uuid IS NULL OR t.client_id = sqlc.narg(client_id))
  AND (sqlc.narg(chantier_id)::uuid IS NULL OR t.chantier_id = sqlc.narg(chantier_id))
GROUP BY 1;

-- name: CountResolvedByDay :many
-- The same of those that were resolved then and are still.
SELECT width_bucket(t.date_resolution, @bounds::timestamptz[]) AS span, count(*) AS n
FROM tickets t
WHERE t.status IN ('resolu', 'clos') AND t.date_resolution >= @since::timestamptz AND t.date_resolution < @until::timestamptz
  AND (sqlc.narg(client_id)::uuid IS NULL OR t.client_id = sqlc.narg(client_id))
  AND (sqlc.narg(chantier_id)::uuid IS NULL OR t.chantier_id = sqlc.narg(chantier_id))
GROUP BY 1;
