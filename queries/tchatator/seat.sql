-- name: TakeSeat :execrows
-- Takes a user's seat unless a process that lives has it, which its lock shows: shared ones do not get into the way of each
-- other, when all users of a process that died return at once. Nobody takes it who was banned, or whose token was changed,
-- meanwhile.
INSERT INTO seat (user_id, process)
SELECT u.id, @process::bigint FROM users u
WHERE u.id = @user_id AND u.token_hash = @token_hash AND NOT EXISTS (SELECT FROM banned_user b WHERE b.user_id = u.id)
ON CONFLICT (user_id) DO UPDATE SET process = excluded.process
WHERE seat.process = excluded.process OR pg_try_advisory_xact_lock_shared(seat.process);

-- name: LeaveSeat :exec
-- Frees a seat and forgets the changes that its user has, in the order of locks that TakeChanges has.
WITH held AS (
    SELECT m.id FROM message m WHERE m.id IN (SELECT c.message_id FROM change c WHERE c.id = ANY(@handed::bigint[])) ORDER BY m.id FOR NO KEY UPDATE
), confirmed AS (
    DELETE FROM change WHERE change.id = ANY(@handed) AND (SELECT count(*) FROM held) >= 0 RETURNING change.message_id, change.kind
), seen AS (
    UPDATE message SET seen = true WHERE message.id IN (SELECT c.message_id FROM confirmed c WHERE c.kind = 'new_message')
)
DELETE FROM seat WHERE seat.user_id = @user_id AND seat.process = @process;

-- name: DeleteDeadSeats :execrows
-- Clears the seats of processes that have died.
DELETE FROM seat WHERE process IN (
    SELECT p.process FROM (SELECT DISTINCT s.process FROM seat s WHERE s.process <> @process OFFSET 0) p WHERE pg_try_advisory_xact_lock_shared(p.process)
);

-- name: HoldProcess :one
-- Shows that the process lives, for as long as the connection does. False: the connection before this one still has it.
SELECT pg_try_advisory_lock(@process::bigint);

-- name: ListenUsers :exec
LISTEN tchatator_user;

-- name: ReclaimSeats :many
-- Takes the seats of a process's users again, which others may have thought free, and tells whose seat another process has.
WITH mine AS (
    SELECT unnest(@user_ids::bigint[]) AS user_id
), taken AS (
    INSERT INTO seat (user_id, process) SELECT m.user_id, @process::bigint FROM mine m ON CONFLICT (user_id) DO NOTHING
)
SELECT s.user_id FROM seat s JOIN mine m ON m.user_id = s.user_id WHERE s.process <> @process::bigint;
