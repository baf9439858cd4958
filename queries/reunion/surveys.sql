-- name: InsertSurvey :exec
INSERT INTO surveys (id, reunion_id, overall_rating, comment, explanation_clarity, host_support, discovered_new_product,
    product_quality, future_participation, suggestion, recommendation_score, submitted_at)
VALUES (@id, @reunion_id, @overall_rating, @comment, @explanation_clarity, @host_support, @discovered_new_product,
    @product_quality, @future_participation, @suggestion, @recommendation_score, @submitted_at);

-- name: ListLatestSurveys :many
-- The newest of a réunion, oldest first.
SELECT * FROM surveys WHERE id = ANY (ARRAY(
    SELECT n.id FROM surveys n WHERE n.reunion_id = @reunion_id ORDER BY n.submitted_at DESC, n.id DESC LIMIT @max_rows))
ORDER BY submitted_at, id;

-- name: ScoreSurveys :one
-- All surveys of a réunion: how many there are, the sum of their ratings, and promoters (9 and 10 of 10) less detractors (0 to 6).
SELECT count(*) AS surveys, coalesce(sum(overall_rating), 0)::bigint AS ratings,
    (count(*) FILTER (WHERE recommendation_score >= 9) - count(*) FILTER (WHERE recommendation_score <= 6))::bigint AS balance
FROM surveys WHERE reunion_id = $1;

-- name: ListUntoldSurveys :many
-- The oldest that the host was not told of.
SELECT id, submitted_at FROM surveys WHERE reunion_id = @reunion_id AND told_at IS NULL
ORDER BY submitted_at, id LIMIT @max_rows;

-- name: TellSurveys :exec
UPDATE surveys SET told_at = sqlc.arg(now)::timestamptz WHERE id = ANY (sqlc.arg(ids)::uuid[]) AND told_at IS NULL;

-- name: RecallSurveys :exec
-- What the host was told between two moments may not have reached it.
UPDATE surveys SET told_at = NULL WHERE reunion_id = @reunion_id AND told_at > sqlc.arg(after)::timestamptz AND told_at <= sqlc.arg(upto)::timestamptz;
