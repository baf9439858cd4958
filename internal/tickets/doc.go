// Package tickets serves the ticket desk of a construction firm: tickets with deadlines, messages, attachments and history,
// for clients and their construction sites; and it announces every change as it happens.
//
// Its contracts are spec/tickets/openapi.yaml and spec/tickets/asyncapi.yaml, its tables are in migrations/tickets, its statements
// in queries/tickets. tickets.go wires it. The operations are in one file per tag (auth, clients, chantiers, messages); those of the
// tag tickets are in list.go, ticket.go, actions.go and stats.go. accounts.go and demo.go hold what the command line does, live.go
// the realtime side. change.go, historique.go, numero.go, period.go, sla.go and status.go are plain rules; watch.go announces deadlines.
//
// What holds whatever happens at the same time:
//   - A change, its history and its announcement are one transaction, and whoever changes a ticket holds it first: no update is
//     lost, nothing is announced that did not happen, and the history tells the order in which it did.
//   - Tickets are held in the order of their ids, so that two who change many of the same wait for one another in turn.
//   - A numero is given once and none is missing: the counter's row is held from then on until the transaction ends.
//   - Totals and statistics are exact. Those of the common lists come from counters that the database keeps.
package tickets
