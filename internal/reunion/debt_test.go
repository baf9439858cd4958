package reunion_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/guichet-api/guichet/gen/reunion/api"
	"github.com/guichet-api/guichet/gen/reunion/db"
	"github.com/guichet-api/guichet/internal/realtime"
	"github.com/guichet-api/guichet/internal/reunion"
)

// owe stores surveys of the demo réunion that its host was told of, or not.
func (d *demo) owe(surveys int, told bool) {
	d.t.Helper()
	_, err := d.db.Pool.Exec(d.t.Context(), `INSERT INTO surveys (id, reunion_id, overall_rating, recommendation_score, submitted_at, told_at)
		SELECT gen_random_uuid(), 'reunion-123', 1 + n % 5, n % 11, $1::timestamptz + n * interval '1 ms',
		       CASE WHEN $3 THEN $1::timestamptz - interval '1 day' END
		FROM generate_series(1, $2::int) AS n`, afternoon, surveys, told)
	if err != nil {
		d.t.Fatal(err)
	}
}

// TestLargeDebt: a host that missed much is told in portions, each when it has read the one before; nobody else waits for that.
// One that goes meanwhile is told the rest, and no more, when it returns.
func TestLargeDebt(t *testing.T) {
	t.Parallel()
	d := startDemo(t, options{})
	const debt = 100
	d.owe(debt, false)
	host := d.connect(t, d.token(0))
	waits, most, heard := 0, 0, 0
	read := func() {
		sent := host.take()
		most, heard = max(most, len(sent)), heard+len(sent)
	}
	host.wait = func(context.Context) error {
		if waits++; waits == 1 {
			return nil // for the réunion itself
		}
		read()
		d.client(fmt.Sprintf("Client %d", waits)) // the réunion goes on
		if waits == 4 {
			return realtime.ErrClosed
		}
		return nil
	}
	host.must("join-reunion-host", `"reunion-123"`)
	if read(); waits != 4 || most > 40 {
		t.Errorf("%d messages at once, waited %d times", most, waits)
	}
	surveys := heard - 1 - 3 // reunion-data, and three that joined
	host.leave()
	again := d.host()
	rest := again.take()
	for i := 1; i < len(rest); i++ {
		if rest[i-1].payload >= rest[i].payload {
			t.Fatalf("%v comes before %v", rest[i-1], rest[i])
		}
	}
	if surveys == 0 || surveys+len(rest) != debt {
		t.Errorf("told of %d and %d surveys of %d", surveys, len(rest), debt)
	}
}

// get reads as the seller of the demo réunion.
func (d *demo) get(path string) []byte {
	d.t.Helper()
	r, err := http.NewRequestWithContext(d.t.Context(), http.MethodGet, d.url+path, http.NoBody)
	if err != nil {
		d.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+d.token(0))
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		d.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		d.t.Fatalf("%d %v %s", answer.StatusCode, err, body)
	}
	return body
}

// TestManySurveys: the score is that of all surveys, the list is of the newest.
func TestManySurveys(t *testing.T) {
	t.Parallel()
	d := startDemo(t, options{})
	d.owe(1100, true)
	a := d.get("/api/reunions/reunion-123/surveys")
	var answer api.SurveysResponse
	if err := json.Unmarshal(a, &answer); err != nil {
		t.Fatal(err)
	}
	first, last := afternoon.Add(101e6), afternoon.Add(1100e6)
	if n := len(answer.Surveys); n != 1000 || !answer.Surveys[0].Timestamp.Equal(first) || !answer.Surveys[n-1].Timestamp.Equal(last) {
		t.Errorf("%d surveys", n)
	}
	// Of each eleven recommendations two promote and seven detract.
	if answer.Count != 1100 || *answer.AverageRating != 3 || *answer.Nps != -45 {
		t.Errorf("%d surveys, %v, %d", answer.Count, *answer.AverageRating, *answer.Nps)
	}
}

// recorder passes statements on and keeps the arguments of those that concern what the host was told.
type recorder struct {
	db.DBTX
	mu   sync.Mutex
	sent map[string][]any
}

// Query implements db.DBTX.
func (r *recorder) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sent[sql] = args
	return r.DBTX.Query(ctx, sql, args...)
}

// TestDebtPlans: what a host is owed is found without reading what it was told.
func TestDebtPlans(t *testing.T) {
	t.Parallel()
	d := startDemo(t, options{})
	d.owe(20_000, true)
	if _, err := d.db.Pool.Exec(t.Context(), `INSERT INTO clients (id, reunion_id, resume_hash, status, joined_at, validated_at, told_at)
		SELECT 'client-' || n, 'reunion-123', '', 'valide', $1, $1, $1 FROM generate_series(1, 20000) AS n`, afternoon); err != nil {
		t.Fatal(err)
	}
	if _, err := d.db.Pool.Exec(t.Context(), `ANALYZE clients, surveys`); err != nil {
		t.Fatal(err)
	}
	r := &recorder{DBTX: d.db.Pool, sent: map[string][]any{}}
	q := db.New(r)
	_, clients := q.ListUntoldValidations(t.Context(), reunion.DemoReunion, 32)
	_, surveys := q.ListUntoldSurveys(t.Context(), reunion.DemoReunion, 32)
	if err := errors.Join(clients, surveys); err != nil {
		t.Fatal(err)
	}
	for _, sql := range slices.Sorted(maps.Keys(r.sent)) {
		rows, err := d.db.Pool.Query(t.Context(), `EXPLAIN `+sql, r.sent[sql]...)
		if err != nil {
			t.Fatal(err)
		}
		plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if text := strings.Join(plan, "\n"); err != nil || !strings.Contains(text, "_untold on") {
			t.Errorf("%v\n%s", err, text)
		}
	}
}
