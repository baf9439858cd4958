-- name: InsertClient :exec
INSERT INTO clients (id, nom, type, email, telephone, adresse, ville, note_satisfaction, created_at, updated_at)
VALUES (@id, @nom, @type, @email, @telephone, @adresse, @ville, @note_satisfaction, @created_at, @created_at);

-- name: ListClients :many
-- By name, with what is counted of each. A sum of budgets beyond what the contract's number holds is shown as the largest.
SELECT c.id, c.nom, c.type, c.email, c.telephone, c.adresse, c.ville, c.note_satisfaction,
       coalesce(t.total, 0)::bigint AS nb_tickets, coalesce(t.ouverts, 0)::bigint AS nb_tickets_ouverts,
       coalesce(s.total, 0)::bigint AS nb_chantiers, least(coalesce(s.budgets, 0), 9223372036854775807)::bigint AS chiffre_affaires
FROM clients c
LEFT JOIN (SELECT client_id, sum(total) AS total, sum(ouverts) AS ouverts FROM owner_tally GROUP BY 1) AS t ON t.client_id = c.id
LEFT JOIN (SELECT client_id, count(*) AS total, sum(budget) AS budgets FROM chantiers GROUP BY client_id) AS s ON s.client_id = c.id
ORDER BY c.nom, c.id;
