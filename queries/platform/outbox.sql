-- name: AppendOutbox :exec
-- Leaves events in the outbox, in the order of the lists. The schema is named, here and below: transactions of all systems
-- write here, each with its own search_path.
INSERT INTO platform.outbox (system, room, event, payload)
SELECT @system::text, unnest(@rooms::text[]), unnest(@events::text[]), unnest(@payloads::json[]);

-- name: NumberOutbox :one
-- Numbers at most @most committed events; how many it were.
SELECT platform.number_outbox(@system::text, @most::integer, @reached::bigint, @moment::timestamptz)::bigint AS numbered;

-- name: PurgeOutbox :one
-- Forgets at most @most events that were numbered before @moment; how many it were.
SELECT platform.purge_outbox(@system::text, @most::integer, @moment::timestamptz)::bigint AS purged;

-- name: GetOutboxHead :one
-- Where the stream of a system stands. genuine: its epoch is that of the database; expired: the event with number
-- @first is from before @moment.
SELECT h.epoch, h.n, h.purged, (h.fingerprint = (SELECT platform.database_fingerprint()))::boolean AS genuine,
    EXISTS (
        SELECT 1 FROM platform.outbox_log AS l
        WHERE l.system = h.system AND l.n = @first::bigint AND l.numbered_at < @moment::timestamptz
    ) AS expired
FROM platform.outbox_heads AS h
WHERE h.system = @system;

-- name: ListOutbox :many
-- The events with numbers in (@since, @upto], of all rooms or of some, and where the stream stood at that moment: one row at
-- least, without event if there is none.
SELECT h.epoch, h.n AS reached, h.purged, l.n, l.room, l.event, l.payload
FROM platform.outbox_heads AS h
LEFT JOIN platform.outbox_log AS l ON l.system = h.system AND l.n > @since::bigint AND l.n <= @upto::bigint
    AND (sqlc.narg('rooms')::text[] IS NULL OR l.room = ANY (sqlc.narg('rooms')::text[]))
WHERE h.system = @system
ORDER BY l.n;
