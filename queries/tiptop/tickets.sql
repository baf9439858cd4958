-- name: InsertTicket :exec
INSERT INTO tickets (id, code, user_id, prize_id, played_at) VALUES ($1, $2, $3, $4, $5);

-- name: LockTicket :one
SELECT * FROM tickets WHERE id = $1 FOR UPDATE;

-- name: ValidateTicket :exec
UPDATE tickets SET status = 'VALIDATED', validated_at = @now WHERE id = @id;

-- name: ClaimTicket :exec
UPDATE tickets SET status = 'CLAIMED', claimed_at = @now WHERE id = @id;

-- name: RejectTicket :exec
UPDATE tickets SET status = 'REJECTED', rejected_at = @now, rejection_reason = @reason WHERE id = @id;

-- name: GetTicketOfUser :one
SELECT * FROM ticket_details
WHERE id = @id AND user_id = @user_id;

-- name: GetTicketOfUserByCode :one
SELECT * FROM ticket_details
WHERE code = @code AND user_id = @user_id;

-- name: GetTicketByCode :one
SELECT * FROM ticket_details
WHERE code = $1;

-- name: ListTickets :many
SELECT * FROM ticket_details
ORDER BY played_at DESC, id DESC LIMIT @max_rows OFFSET sqlc.arg(skip_rows)::bigint;

-- name: ListTicketsByStatus :many
SELECT * FROM ticket_details
WHERE status = @status
ORDER BY played_at DESC, id DESC LIMIT @max_rows OFFSET sqlc.arg(skip_rows)::bigint;

-- name: ListTicketsByUser :many
SELECT * FROM ticket_details
WHERE user_id = @user_id
ORDER BY played_at DESC, id DESC LIMIT @max_rows OFFSET sqlc.arg(skip_rows)::bigint;

-- name: ListTicketsByUserAndStatus :many
SELECT * FROM ticket_details
WHERE user_id = @user_id AND status = @status
ORDER BY played_at DESC, id DESC LIMIT @max_rows OFFSET sqlc.arg(skip_rows)::bigint;

-- name: ListPendingTickets :many
SELECT * FROM ticket_details
WHERE status = 'PENDING'
ORDER BY played_at, id LIMIT @max_rows OFFSET sqlc.arg(skip_rows)::bigint;

-- name: CountTicketsByUser :one
SELECT count(*) FROM tickets WHERE user_id = $1;

-- name: CountTicketsByUserAndStatus :one
SELECT count(*) FROM tickets WHERE user_id = $1 AND status = $2;

-- name: CountHandledSince :one
-- What the desk did since a moment.
SELECT (SELECT count(*) FROM tickets v WHERE v.validated_at >= @since) AS validated,
       (SELECT count(*) FROM tickets r WHERE r.rejected_at >= @since) AS rejected;
