package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/guichet-api/guichet/internal/contract"
	"github.com/guichet-api/guichet/internal/portal"
)

// newChecker holds a system's answers to its contract and logs what does not fit. The log names the operation and the rule,
// not the answer: answers hold tokens and addresses.
func (h *house) newChecker(ctx context.Context, system string) *contract.Checker {
	return contract.NewChecker(func(op *contract.Operation, status int, err error) {
		h.log.LogAttrs(ctx, slog.LevelError, "the answer does not fit the contract", slog.String("system", system),
			slog.String("operation", op.ID), slog.Int("status", status), slog.Any("error", err))
	}, time.Now)
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
