-- name: ListPieceJointes :many
-- Every attachment of a ticket, oldest first.
SELECT id, nom, type, taille, url, created_at FROM piece_jointes WHERE ticket_id = $1 ORDER BY created_at, id;

-- name: ListPieceJointesOfMessages :many
SELECT m.message_id, p.id, p.nom, p.type, p.taille, p.url, p.created_at
FROM message_piece_jointes m JOIN piece_jointes p ON p.id = m.piece_jointe_id
WHERE m.message_id = ANY (@message_ids::uuid[])
ORDER BY m.message_id, m.rang;
