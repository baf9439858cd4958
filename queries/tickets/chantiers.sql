-- name: InsertChantier :exec
INSERT INTO chantiers (id, nom, type, client_id, adresse, ville, coordonnees, statut, date_debut, date_fin, budget, avancement, responsable,
                       created_at, updated_at)
VALUES (@id, @nom, @type, @client_id, @adresse, @ville, @coordonnees, @statut, @date_debut, @date_fin, @budget, @avancement, @responsable,
        @created_at, @created_at);

-- name: GetClientName :one
SELECT nom FROM clients WHERE id = $1;

-- name: GetChantierClient :one
-- Whose a chantier is.
SELECT client_id FROM chantiers WHERE id = $1;

-- name: ListChantiers :many
-- By name, with how many tickets each has.
SELECT s.id, s.nom, s.type, s.client_id, c.nom AS client_nom, s.adresse, s.ville, s.coordonnees, s.statut, s.date_debut, s.date_fin,
       s.budget, s.avancement, s.responsable,
       coalesce(t.total, 0)::bigint AS nb_tickets, coalesce(t.ouverts, 0)::bigint AS nb_tickets_ouverts
FROM chantiers s
LEFT JOIN clients c ON c.id = s.client_id
LEFT JOIN (SELECT chantier_id, sum(total) AS total, sum(ouverts) AS ouverts FROM owner_tally GROUP BY 1) AS t ON t.chantier_id = s.id
ORDER BY s.nom, s.id;
