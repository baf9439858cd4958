// Package tiptop serves The Tip Top, a prize game: a code bought in a shop is played once, wins a prize, and becomes a ticket
// that an employee validates and hands over.
//
// Its contract is spec/tiptop/openapi.yaml, its tables are in migrations/tiptop, its statements in queries/tiptop. One file
// per tag of the contract holds the operations (public, auth, users, game, employee, admin); accounts.go, codes.go, contest.go
// and demo.go hold what the command line does beside them; draw.go, amount.go and code.go are plain rules.
//
// What holds whatever happens at the same time:
//   - A code pays once. Playing is one transaction: the code, the stock and the ticket change together or not at all.
//   - Stock never goes below zero, and players of the same prize seldom wait for one another.
//   - One administrator remains.
//   - Totals and statistics are exact, and read from counters that the database keeps.
//   - Transactions take their locks in one order: code or ticket, prize, stock, and the counters last. The few that cannot
//     (deleting an account locks whatever belongs to it) are run again when PostgreSQL ends one of them as a deadlock.
package tiptop
