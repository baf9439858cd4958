-- name: UpsertBlock :exec
-- A second block does not shorten the first.
INSERT INTO blocked_user (user_id, for_user_id, until) VALUES (@user_id, @for_user_id, @until)
ON CONFLICT (user_id, for_user_id) DO UPDATE SET until = greatest(blocked_user.until, excluded.until);

-- name: DeleteExpiredBlocks :exec
DELETE FROM blocked_user WHERE until <= @now;
