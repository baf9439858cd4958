-- name: StoreMessages :many
-- Stores what several senders send at the same time, each message with the change that announces it, and says of each
-- what became of it. What a message depends on is read here and nowhere else, so that a ban or a block that was committed
-- before holds, whichever process it came from.
WITH input AS (
    SELECT generate_subscripts(@contents::text[], 1) AS place, unnest(@sender_ids::bigint[]) AS sender_id,
        unnest(@receiver_ids::bigint[]) AS receiver_id, unnest(@contents::text[]) AS content
), checked AS (
    SELECT i.place, i.sender_id, i.receiver_id, i.content, (CASE
        WHEN EXISTS (SELECT FROM banned_user b WHERE b.user_id = i.sender_id) THEN 'banned'
        WHEN NOT EXISTS (SELECT FROM users u WHERE u.id = i.receiver_id) THEN 'unknown'
        WHEN EXISTS (SELECT FROM blocked_user b WHERE b.user_id = i.sender_id AND b.for_user_id IN (0, i.receiver_id) AND b.until > @at::timestamptz) THEN 'blocked'
        ELSE 'stored' END)::text AS outcome
    FROM input i
), numbered AS (
    SELECT o.place, nextval('message_id_seq') AS id FROM (SELECT c.place FROM checked c WHERE c.outcome = 'stored' ORDER BY c.place) o
), stored AS (
    INSERT INTO message (id, sended_date, sender_id, receiver_id, content)
    SELECT n.id, @at::timestamptz, c.sender_id, c.receiver_id, c.content FROM checked c JOIN numbered n ON n.place = c.place ORDER BY c.place
), announced AS (
    INSERT INTO change (user_id, kind, message_id, at)
    SELECT c.receiver_id, 'new_message', n.id, @at::timestamptz FROM checked c JOIN numbered n ON n.place = c.place
    WHERE c.receiver_id <> c.sender_id ORDER BY c.place
)
SELECT c.outcome, coalesce(n.id, 0)::bigint AS id FROM checked c LEFT JOIN numbered n ON n.place = c.place ORDER BY c.place;

-- name: LockMessage :one
SELECT m.id, m.sender_id, m.receiver_id, m.deleted FROM message m WHERE m.id = @id FOR NO KEY UPDATE;

-- name: IsBlocked :one
SELECT EXISTS (SELECT FROM blocked_user b WHERE b.user_id = @user_id AND b.for_user_id IN (0, @receiver_id) AND b.until > @at::timestamptz);

-- name: UpdateMessage :exec
-- Announcements that were not delivered yet keep the content that they announce.
WITH kept AS (
    UPDATE change SET content = (SELECT m.content FROM message m WHERE m.id = @id)
    WHERE change.message_id = @id AND change.content IS NULL AND change.kind <> 'message_deleted'
), announced AS (
    INSERT INTO change (user_id, kind, message_id, at)
    SELECT m.receiver_id, 'message_updated', m.id, @at::timestamptz FROM message m WHERE m.id = @id AND m.receiver_id <> m.sender_id
)
UPDATE message SET content = @content, modified_date = @at::timestamptz WHERE message.id = @id;

-- name: DeleteMessage :exec
WITH announced AS (
    INSERT INTO change (user_id, kind, message_id, at)
    SELECT m.receiver_id, 'message_deleted', m.id, @at::timestamptz FROM message m WHERE m.id = @id AND m.receiver_id <> m.sender_id
)
UPDATE message SET deleted = true WHERE message.id = @id;

-- name: ListSendTimes :many
-- When a user sent its last messages, the newest first. The limit comes before the filter, so that no more rows are read.
WITH latest AS (
    SELECT m.id, m.sended_date FROM message m WHERE m.sender_id = @sender_id ORDER BY m.id DESC LIMIT @rows
)
SELECT latest.sended_date FROM latest WHERE latest.sended_date > @after::timestamptz ORDER BY latest.id DESC;

-- name: GetMessage :one
-- One that the user sent or received.
SELECT * FROM message m WHERE m.id = @id AND @user_id::bigint IN (m.sender_id, m.receiver_id);

-- name: CountMessages :one
SELECT ((SELECT count(*) FROM message m WHERE m.sender_id = @user_id)
    + (SELECT count(*) FROM message m WHERE m.receiver_id = @user_id AND m.sender_id <> @user_id))::bigint AS total;

-- name: CountConversation :one
SELECT ((SELECT count(*) FROM message m WHERE m.sender_id = @user_id AND m.receiver_id = @other_id)
    + (SELECT count(*) FROM message m WHERE m.sender_id = @other_id AND m.receiver_id = @user_id AND m.sender_id <> m.receiver_id))::bigint AS total;

-- name: ListMessages :many
-- Newest first. Both halves come in this order from their index, and no more of them than the page may need.
SELECT * FROM message m WHERE m.id = ANY(
    ARRAY(SELECT s.id FROM message s WHERE s.sender_id = @user_id ORDER BY s.id DESC LIMIT sqlc.arg(skip)::bigint + sqlc.arg(rows)::int)
    || ARRAY(SELECT r.id FROM message r WHERE r.receiver_id = @user_id AND r.sender_id <> @user_id ORDER BY r.id DESC LIMIT sqlc.arg(skip)::bigint + sqlc.arg(rows)::int))
ORDER BY m.id DESC LIMIT @rows::int OFFSET @skip::bigint;

-- name: ListConversation :many
-- What two users wrote to each other, newest first, likewise.
SELECT * FROM message m WHERE m.id = ANY(
    ARRAY(SELECT s.id FROM message s WHERE s.sender_id = @user_id AND s.receiver_id = @other_id ORDER BY s.id DESC LIMIT sqlc.arg(skip)::bigint + sqlc.arg(rows)::int)
    || ARRAY(SELECT r.id FROM message r WHERE r.sender_id = @other_id AND r.receiver_id = @user_id AND r.sender_id <> r.receiver_id
        ORDER BY r.id DESC LIMIT sqlc.arg(skip)::bigint + sqlc.arg(rows)::int))
ORDER BY m.id DESC LIMIT @rows::int OFFSET @skip::bigint;
