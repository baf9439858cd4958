-- name: TakeChanges :many
-- Forgets the changes that the user has, and reads the next ones, oldest first. Numbers are drawn before the commit, so
-- that a smaller one may appear later: what was handed out is told by its numbers, not by the greatest. Whoever changes a
-- message and its changes locks messages first, in the order of their numbers: UpdateMessage does, too.
WITH held AS (
    SELECT m.id FROM message m WHERE m.id IN (SELECT c.message_id FROM change c WHERE c.id = ANY(@handed::bigint[])) ORDER BY m.id FOR NO KEY UPDATE
), confirmed AS (
    DELETE FROM change WHERE change.id = ANY(@handed) AND (SELECT count(*) FROM held) >= 0 RETURNING change.message_id, change.kind
), seen AS (
    UPDATE message SET seen = true WHERE message.id IN (SELECT c.message_id FROM confirmed c WHERE c.kind = 'new_message')
)
SELECT c.id, c.kind, c.at, c.message_id, coalesce(c.content, m.content) AS content, m.sended_date, m.sender_id, m.receiver_id, m.seen
FROM change c JOIN message m ON m.id = c.message_id
WHERE c.user_id = @user_id AND NOT c.id = ANY(@handed::bigint[]) ORDER BY c.id LIMIT @rows;
