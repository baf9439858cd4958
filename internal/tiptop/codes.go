package tiptop

import (
	"context"
	"fmt"

	"github.com/guichet-api/guichet/gen/tiptop/db"
	"github.com/guichet-api/guichet/internal/platform/pg"
)

// chunk is how many codes are issued at once: the most that the contract lets an administrator ask for.
const chunk = 10_000

// IssueCodes creates count fresh codes, a chunk at a time, and calls each with every chunk once it is stored. It stops at the
// first error; the codes that each has seen stay.
func (o Operator) IssueCodes(ctx context.Context, count int, each func(codes []string) error) error {
	for left := count; left > 0; {
		codes, err := o.api.issueChunk(ctx, min(left, chunk))
		if err != nil {
			return fmt.Errorf("IssueCodes: %w", err)
		}
		if err := each(codes); err != nil {
			return err
		}
		left -= len(codes)
	}
	return nil
}

// issueChunk creates count fresh codes, all or none. Should one of them exist already, the whole chunk is made anew.
func (a *API) issueChunk(ctx context.Context, count int) ([]string, error) {
	for {
		codes, err := a.newCodes(count)
		if err != nil {
			return nil, err
		}
		_, err = a.queries.InsertCodes(ctx, a.codeRows(codes))
		if !pg.Violates(err, uniqueCode) {
			return codes, err
		}
	}
}

// newCodes makes codes that nobody can foresee.
func (a *API) newCodes(count int) ([]string, error) {
	codes := make([]string, count)
	for i := range codes {
		var err error
		if codes[i], err = newCode(a.deps.Rand); err != nil {
			return nil, err
		}
	}
	return codes, nil
}

// codeRows are codes as the database stores them.
func (a *API) codeRows(codes []string) []db.InsertCodesParams {
	now, rows := a.now(), make([]db.InsertCodesParams, len(codes))
	for i, code := range codes {
		rows[i] = db.InsertCodesParams{Code: code, IssuedAt: now}
	}
	return rows
}
