-- name: ListTickets :many
-- A page, newest first. It first picks the page's ids and then looks those few up. Filters that are null fall away only where
-- the statement is planned for the values at hand: see customPlans in internal/tickets.
SELECT * FROM ticket_details WHERE id = ANY (ARRAY(
    SELECT t.id FROM tickets t
    WHERE (sqlc.narg(status)::text IS NULL OR t.status = sqlc.narg(status))
      AND (sqlc.narg(priority)::text IS NULL OR t.priority = sqlc.narg(priority))
      AND (sqlc.narg(categorie)::text IS NULL OR t.categorie = sqlc.narg(categorie))
      AND (sqlc.narg(client_id)::uuid IS NULL OR t.client_id = sqlc.narg(client_id))
      AND (sqlc.narg(chantier_id)::uuid IS NULL OR t.chantier_id = sqlc.narg(chantier_id))
      AND (sqlc.narg(responsable)::text IS NULL OR t.responsable = sqlc.narg(responsable))
      AND (sqlc.narg(created_from)::timestamptz IS NULL OR t.date_creation >= sqlc.narg(created_from))
      AND (sqlc.narg(created_before)::timestamptz IS NULL OR t.date_creation < sqlc.narg(created_before))
      AND (sqlc.narg(longest_word)::text IS NULL OR
           t.recherche LIKE (containing(ARRAY[sqlc.narg(longest_word)]))[1] AND t.recherche LIKE ALL (containing(@words::text[])))
      AND (sqlc.narg(sla_status)::text IS NULL OR t.sla_final = sqlc.narg(sla_status) OR t.sla_final IS NULL AND (
           sqlc.narg(sla_status) = 'breach' AND t.date_limite <= @now OR
           sqlc.narg(sla_status) = 'warning' AND t.date_alerte <= @now AND t.date_limite > @now OR
           sqlc.narg(sla_status) = 'ok' AND t.date_alerte > @now))
    ORDER BY t.date_creation DESC, t.id DESC LIMIT @max_rows OFFSET sqlc.arg(skip_rows)::bigint))
ORDER BY date_creation DESC, id DESC;

-- name: CountTickets :one
-- How many ListTickets lists in all: the same conditions.
SELECT count(*) FROM tickets t
WHERE (sqlc.narg(status)::text IS NULL OR t.status = sqlc.narg(status))
  AND (sqlc.narg(priority)::text IS NULL OR t.priority = sqlc.narg(priority))
  AND (sqlc.narg(categorie)::text IS NULL OR t.categorie = sqlc.narg(categorie))
  AND (sqlc.narg(client_id)::uuid IS NULL OR t.client_id = sqlc.narg(client_id))
  AND (sqlc.narg(chantier_id)::uuid IS NULL OR t.chantier_id = sqlc.narg(chantier_id))
  AND (sqlc.narg(responsable)::text IS NULL OR t.responsable = sqlc.narg(responsable))
  AND (sqlc.narg(created_from)::timestamptz IS NULL OR t.date_creation >= sqlc.narg(created_from))
  AND (sqlc.narg(created_before)::timestamptz IS NULL OR t.date_creation < sqlc.narg(created_before))
  AND (sqlc.narg(longest_word)::text IS NULL OR
       t.recherche LIKE (containing(ARRAY[sqlc.narg(longest_word)]))[1] AND t.recherche LIKE ALL (containing(@words::text[])))
  AND (sqlc.narg(sla_status)::text IS NULL OR t.sla_final = sqlc.narg(sla_status) OR t.sla_final IS NULL AND (
       sqlc.narg(sla_status) = 'breach' AND t.date_limite <= @now OR
       sqlc.narg(sla_status) = 'warning' AND t.date_alerte <= @now AND t.date_limite > @now OR
       sqlc.narg(sla_status) = 'ok' AND t.date_alerte > @now));

-- name: GetTicket :one
-- By its id or its numero.
SELECT * FROM ticket_details WHERE id = @id OR numero = @numero;

-- name: GetTicketID :one
SELECT id FROM tickets WHERE id = @id OR numero = @numero;

-- name: LockTickets :many
-- Holds tickets for a change, in the order of their ids, so that those who want the same ones wait for one another in turn.
SELECT id, numero, titre, description, status, priority, categorie, responsable, date_creation, date_modification, date_limite,
       sla_status, tags, date_alerte, date_resolution, sla_final
FROM tickets WHERE id = ANY (@ids::uuid[]) OR numero = ANY (@numeros::text[])
ORDER BY id FOR NO KEY UPDATE;

-- name: NextNumero :one
-- The next number of a year. Its row is held until the transaction ends: take it last.
INSERT INTO numeros AS n (annee, dernier) VALUES (@annee, 1)
ON CONFLICT (annee) DO UPDATE SET dernier = n.dernier + 1
RETURNING dernier;

-- name: BeginNumeros :execrows
-- Takes the first number of a year, if nobody has taken it yet.
INSERT INTO numeros (annee, dernier) VALUES (@annee, 1) ON CONFLICT (annee) DO NOTHING;

-- name: InsertTicket :exec
INSERT INTO tickets (id, numero, titre, description, status, priority, categorie, client_id, chantier_id, responsable, date_creation,
                     date_modification, date_limite, date_alerte, tags)
VALUES (@id, @numero, @titre, @description, @status, @priority, @categorie, @client_id, @chantier_id, @responsable, @date_creation,
        @date_creation, @date_limite, @date_alerte, @tags);

-- name: UpdateTicket :exec
-- Writes a ticket that the transaction holds.
UPDATE tickets SET
    titre = @titre, description = @description, status = @status, priority = @priority, responsable = @responsable,
    date_modification = @date_modification, date_limite = @date_limite, sla_status = @sla_status, tags = @tags,
    date_alerte = @date_alerte, date_resolution = @date_resolution, sla_final = @sla_final
WHERE id = @id;

-- name: TouchTicket :exec
UPDATE tickets SET date_modification = @date_modification WHERE id = @id;

-- name: ListDueTickets :many
-- Tickets that have crossed a threshold which was not announced yet, held until the transaction ends; those that somebody else
-- holds are left out. They are first found in the indexes of what runs, and looked at again once they are held.
SELECT id, date_creation, date_limite FROM tickets
WHERE id = ANY (ARRAY(
    (SELECT w.id FROM tickets w WHERE w.sla_final IS NULL AND w.sla_status = 'ok' AND w.date_alerte <= @now
     ORDER BY w.date_alerte LIMIT @max_rows)
    UNION
    (SELECT b.id FROM tickets b WHERE b.sla_final IS NULL AND b.sla_status IN ('ok', 'warning') AND b.date_limite <= @now
     ORDER BY b.date_limite LIMIT @max_rows)))
  AND sla_final IS NULL AND (sla_status = 'ok' AND date_alerte <= @now OR sla_status IN ('ok', 'warning') AND date_limite <= @now)
ORDER BY date_limite, id LIMIT @max_rows FOR NO KEY UPDATE SKIP LOCKED;

-- name: SetSLAStatus :exec
-- Notes the threshold that is announced in the same transaction.
UPDATE tickets SET sla_status = @sla_status WHERE id = @id;
