-- name: GetDatabaseTime :one
SELECT clock_timestamp()::timestamptz AS now;
