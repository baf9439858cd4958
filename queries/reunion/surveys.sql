-- name: InsertSurvey :exec
INSERT INTO surveys (id, reunion_id, overall_rating, comment, explanation_clarity, host_support, discovered_new_product,
    product_quality, future_participation, suggestion, recommendation_score, submitted_at)
VALUES (@id, @reunion_id, @overall_rating, @comment, @explanation_clarity, @host_support, @discovered_new_product,
    @product_quality, @future_participation, @suggestion, @recommendation_score, @submitted_at);

-- name: ListSurveys :many
SELECT * FROM surveys WHERE reunion_id = $1 ORDER BY submitted_at, id;

-- name: ListUntoldSurveys :many
-- Those that the host was not told of, or only after a time.
SELECT id, submitted_at FROM surveys WHERE reunion_id = @reunion_id AND (told_at IS NULL OR told_at > sqlc.arg(after)::timestamptz)
ORDER BY submitted_at, id;

-- name: TellSurveys :exec
UPDATE surveys SET told_at = sqlc.arg(now)::timestamptz WHERE id = ANY (sqlc.arg(ids)::uuid[]) AND told_at IS NULL;

-- name: RecallSurveys :exec
-- What the host was told after a time did not reach it.
UPDATE surveys SET told_at = NULL WHERE reunion_id = @reunion_id AND told_at > sqlc.arg(after)::timestamptz;
