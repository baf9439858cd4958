-- name: InsertHistorique :exec
INSERT INTO historique (id, ticket_id, action, description, auteur, created_at) VALUES ($1, $2, $3, $4, $5, $6);

-- name: ListHistorique :many
-- Oldest first.
SELECT id, action, description, auteur, created_at FROM historique WHERE ticket_id = $1 ORDER BY created_at, id;
