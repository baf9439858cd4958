-- The lists first pick their page's ids from an index alone and then look those few up: whatever the page, however the
-- statement is planned, no list reads the table from end to end.

-- name: InsertTicket :exec
INSERT INTO tickets (id, code, user_id, prize_id, played_at) VALUES ($1, $2, $3, $4, $5);

-- name: LockTicket :one
SELECT * FROM tickets WHERE id = $1 FOR UPDATE;

-- name: ValidateTicket :one
UPDATE tickets SET status = 'VALIDATED', validated_at = @now WHERE id = @id RETURNING *;

-- name: ClaimTicket :one
UPDATE tickets SET status = 'CLAIMED', claimed_at = @now WHERE id = @id RETURNING *;

-- name: RejectTicket :one
UPDATE tickets SET status = 'REJECTED', rejected_at = @now, rejection_reason = @reason WHERE id = @id RETURNING *;

-- name: GetTicketOfUser :one
SELECT * FROM ticket_details WHERE id = @id AND user_id = @user_id;

-- name: GetTicketOfUserByCode :one
SELECT * FROM ticket_details WHERE code = @code AND user_id = @user_id;

-- name: GetTicketByCode :one
SELECT * FROM ticket_details WHERE code = $1;

-- name: ListTickets :many
SELECT * FROM ticket_details WHERE id = ANY (ARRAY(
    SELECT t.id FROM tickets t
    ORDER BY t.played_at DESC, t.id DESC LIMIT @max_rows OFFSET sqlc.arg(skip_rows)::bigint))
ORDER BY played_at DESC, id DESC;

-- name: ListTicketsByStatus :many
SELECT * FROM ticket_details WHERE id = ANY (ARRAY(
    SELECT t.id FROM tickets t WHERE t.status = @status
    ORDER BY t.played_at DESC, t.id DESC LIMIT @max_rows OFFSET sqlc.arg(skip_rows)::bigint))
ORDER BY played_at DESC, id DESC;

-- name: ListTicketsByUser :many
SELECT * FROM ticket_details WHERE id = ANY (ARRAY(
    SELECT t.id FROM tickets t WHERE t.user_id = @user_id
    ORDER BY t.played_at DESC, t.id DESC LIMIT @max_rows OFFSET sqlc.arg(skip_rows)::bigint))
ORDER BY played_at DESC, id DESC;

-- name: ListTicketsByUserAndStatus :many
SELECT * FROM ticket_details WHERE id = ANY (ARRAY(
    SELECT t.id FROM tickets t WHERE t.user_id = @user_id AND t.status = @status
    ORDER BY t.played_at DESC, t.id DESC LIMIT @max_rows OFFSET sqlc.arg(skip_rows)::bigint))
ORDER BY played_at DESC, id DESC;

-- name: ListPendingTickets :many
-- Oldest first.
SELECT * FROM ticket_details WHERE id = ANY (ARRAY(
    SELECT t.id FROM tickets t WHERE t.status = 'PENDING'
    ORDER BY t.played_at, t.id LIMIT @max_rows OFFSET sqlc.arg(skip_rows)::bigint))
ORDER BY played_at, id;

-- name: CountTicketsByUser :one
SELECT count(*) FROM tickets WHERE user_id = $1;

-- name: CountTicketsByUserAndStatus :one
SELECT count(*) FROM tickets WHERE user_id = $1 AND status = $2;
