-- name: InsertCodes :copyfrom
INSERT INTO codes (code, issued_at) VALUES ($1, $2);

-- name: InsertCodeOnce :execrows
INSERT INTO codes (code, issued_at) VALUES ($1, $2) ON CONFLICT DO NOTHING;

-- name: ClaimCode :execrows
-- Consumes a code; of several players at once one gets a row.
UPDATE codes SET played_at = @played_at WHERE code = @code AND played_at IS NULL;

-- name: HasCode :one
SELECT EXISTS (SELECT FROM codes WHERE code = $1);
