-- name: GetTally :one
SELECT sum(users_client)::bigint AS users_client, sum(users_employee)::bigint AS users_employee,
       sum(users_admin)::bigint AS users_admin, sum(users_verified)::bigint AS users_verified,
       sum(tickets_pending)::bigint AS tickets_pending, sum(tickets_validated)::bigint AS tickets_validated,
       sum(tickets_rejected)::bigint AS tickets_rejected, sum(tickets_claimed)::bigint AS tickets_claimed
FROM tally;
