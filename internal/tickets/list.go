package tickets

import (
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/guichet-api/guichet/gen/tickets/api"
	"github.com/guichet-api/guichet/gen/tickets/db"
	"github.com/guichet-api/guichet/internal/platform/page"
)

// ListTickets answers a page of the tickets that pass every filter, newest first.
func (a *API) ListTickets(ctx context.Context, r api.ListTicketsRequestObject) (api.ListTicketsResponseObject, error) {
	f, err := a.filter(r.Params)
	if err != nil {
		return nil, err
	}
	var (
		total int64
		rows  []db.TicketDetail
		w     = page.Window{Page: r.Params.Page, Limit: r.Params.Limit}
	)
	err = a.snapshot(ctx, func(tx pgx.Tx) error {
		q := db.New(customPlans{tx})
		if total, err = countTickets(ctx, q, f); err != nil {
			return err
		}
		rows, err = page.Read(ctx, w, total, func(ctx context.Context, skip int64) ([]db.TicketDetail, error) {
			return q.ListTickets(ctx, db.ListTicketsParams{
				Status: f.Status, Priority: f.Priority, Categorie: f.Categorie, ClientID: f.ClientID, ChantierID: f.ChantierID,
				Responsable: f.Responsable, CreatedFrom: f.CreatedFrom, CreatedBefore: f.CreatedBefore,
				LongestWord: f.LongestWord, Words: f.Words, SlaStatus: f.SlaStatus, Now: f.Now, SkipRows: skip, MaxRows: w.Limit,
			})
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	listed := func(row db.TicketDetail) api.Ticket { return listedTicket(row, f.Now) }
	return api.ListTickets200JSONResponse{Tickets: convertAll(rows, listed), Pagination: pagination(w, total)}, nil
}

// filter reads the list's filters. The SLA is looked at now.
func (a *API) filter(p api.ListTicketsParams) (db.CountTicketsParams, error) {
	created, err := parsePeriod(p.DateFrom, p.DateTo, a.cfg.Place)
	if err != nil {
		return db.CountTicketsParams{}, err
	}
	f := db.CountTicketsParams{
		Status: (*string)(p.Status), Priority: (*string)(p.Priority), Categorie: (*string)(p.Categorie), ClientID: p.ClientID,
		ChantierID: p.ChantierID, Responsable: p.Responsable, CreatedFrom: created.from, CreatedBefore: created.until,
		SlaStatus: (*string)(p.SLAStatus), Now: a.now(),
	}
	if p.Search != nil {
		f.Words, f.LongestWord = searchWords(*p.Search)
	}
	return f, nil
}

// maxWords is how many words of a search count.
const maxWords = 10

// searchWords are the words of a search, all of which a ticket must contain: each once, none that another one contains, and the
// longest of them if there are too many. The longest of all, which the index looks for, is nil when there are none.
func searchWords(search string) (words []string, longest *string) {
	all := strings.Fields(search)
	slices.SortStableFunc(all, func(a, b string) int { return utf8.RuneCountInString(b) - utf8.RuneCountInString(a) })
	words = make([]string, 0, maxWords)
	for _, word := range all {
		implied := slices.ContainsFunc(words, func(longer string) bool {
			return strings.Contains(strings.ToLower(longer), strings.ToLower(word))
		})
		if !implied && len(words) < maxWords {
			words = append(words, word)
		}
	}
	if len(words) > 0 {
		longest = &words[0]
	}
	return words, longest
}

// countTickets is how many tickets pass a filter. Where only what the counters tell apart is asked for, and how the SLA stands, they
// are not counted one by one.
func countTickets(ctx context.Context, q *db.Queries, f db.CountTicketsParams) (int64, error) {
	tallied := f.ClientID == nil && f.ChantierID == nil && f.Responsable == nil && f.CreatedFrom == nil && f.CreatedBefore == nil && f.LongestWord == nil
	if tallied {
		return q.CountTally(ctx, db.CountTallyParams{
			Status: f.Status, Priority: f.Priority, Categorie: f.Categorie, SlaStatus: f.SlaStatus, Now: f.Now,
		})
	}
	return q.CountTickets(ctx, f)
}

// customPlans sends statements so that PostgreSQL plans each for the values at hand, as it must those with optional filters: a
// filter that is null is then no part of the plan, and one that is not is looked up in its index. A plan for all values could use
// no index at all.
type customPlans struct{ db.DBTX }

// Query sends a statement that is planned for its arguments.
func (c customPlans) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	return c.DBTX.Query(ctx, sql, append([]any{pgx.QueryExecModeCacheDescribe}, args...)...)
}

// QueryRow sends a statement that is planned for its arguments.
func (c customPlans) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	return c.DBTX.QueryRow(ctx, sql, append([]any{pgx.QueryExecModeCacheDescribe}, args...)...)
}
