-- name: InsertSurvey :exec
INSERT INTO surveys (id, reunion_id, overall_rating, comment, explanation_clarity, host_support, discovered_new_product,
    product_quality, future_participation, suggestion, recommendation_score, submitted_at)
VALUES (@id, @reunion_id, @overall_rating, @comment, @explanation_clarity, @host_support, @discovered_new_product,
    @product_quality, @future_participation, @suggestion, @recommendation_score, @submitted_at);

-- name: ListSurveys :many
SELECT * FROM surveys WHERE reunion_id = $1 ORDER BY submitted_at, id;

-- name: ListUntoldSurveys :many
SELECT id, submitted_at FROM surveys WHERE reunion_id = $1 AND told_at IS NULL ORDER BY submitted_at, id;

-- name: TellSurveys :exec
UPDATE surveys SET told_at = sqlc.arg(now)::timestamptz WHERE id = ANY (sqlc.arg(ids)::uuid[]) AND told_at IS NULL;
