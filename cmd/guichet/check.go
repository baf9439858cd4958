package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/guichet-api/guichet/internal/contract"
	"github.com/guichet-api/guichet/internal/portal"
)

// newChecker holds a system's answers to its contract, if they are to be checked at all, and logs what does not fit. The log
// names the operation and the rule, not the answer: answers hold tokens and addresses. The second result is what a portal shows
// of it. Both are nil when nothing is checked.
func (h *house) newChecker(ctx context.Context, system string) (*contract.Checker, func() []portal.Finding) {
	if !h.settings.check {
		return nil, nil
	}
	checker := contract.NewChecker(func(op *contract.Operation, status int, err error) {
		h.log.LogAttrs(ctx, slog.LevelError, "the answer does not fit the contract", slog.String("system", system),
			slog.String("operation", op.ID), slog.Int("status", status), slog.Any("error", err))
	}, time.Now)
	return checker, func() []portal.Finding { return findings(checker.Recent()) }
}

// findings counts discrepancies that are alike as one, the latest first.
func findings(recent []contract.Discrepancy) []portal.Finding {
	type kind struct {
		operation string
		status    int
		problem   string
	}
	var list []portal.Finding
	at := map[kind]int{}
	for _, d := range recent {
		k := kind{d.Operation.ID, d.Status, d.Err.Error()}
		if i, seen := at[k]; seen {
			list[i].Count++
			continue
		}
		at[k] = len(list)
		list = append(list, portal.Finding{At: d.Time, Operation: k.operation, Status: k.status, Problem: k.problem, Count: 1})
	}
	return list
}
