-- name: GetGame :one
SELECT is_paused, opens_at, closes_at FROM game;

-- name: SetPaused :exec
UPDATE game SET is_paused = $1;

-- name: SetWindow :exec
UPDATE game SET opens_at = $1, closes_at = $2;
