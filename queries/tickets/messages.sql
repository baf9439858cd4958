-- name: InsertMessage :exec
INSERT INTO messages (id, ticket_id, auteur, contenu, created_at) VALUES ($1, $2, $3, $4, $5);

-- name: AttachToMessage :execrows
-- Shows attachments with a message, in the order of their ids in the list; those that are not of the ticket are left out.
INSERT INTO message_piece_jointes (message_id, piece_jointe_id, rang)
SELECT @message_id::uuid, p.id, wanted.rang::integer
FROM unnest(@piece_jointe_ids::uuid[]) WITH ORDINALITY AS wanted (id, rang)
JOIN piece_jointes p ON p.id = wanted.id AND p.ticket_id = @ticket_id;

-- name: ListAllMessages :many
-- Every message of a ticket, oldest first.
SELECT id, auteur, contenu, created_at FROM messages WHERE ticket_id = $1 ORDER BY created_at, id;

-- name: ListMessages :many
-- A page, oldest first.
SELECT id, auteur, contenu, created_at FROM messages WHERE ticket_id = @ticket_id
ORDER BY created_at, id LIMIT @max_rows OFFSET sqlc.arg(skip_rows)::bigint;

-- name: CountMessages :one
SELECT count(*) FROM messages WHERE ticket_id = $1;
