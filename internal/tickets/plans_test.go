package tickets

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// The size of the desk that plans are made for.
const (
	manyTickets = 200_000
	manyClients = 1_000
	manyOpen    = 4_000 // of the tickets; the others are resolved
)

// fill makes a large desk. Indexes are made anew, and triggers left out: kept, they would take longer than all tests together.
func (d *desk) fill(now time.Time) {
	d.t.Helper()
	d.exec(`INSERT INTO clients (id, nom, type) SELECT lpad(n::text, 32, '0')::uuid, 'Client ' || n, 'entreprise' FROM generate_series(1, $1::int) AS n`, manyClients)
	d.exec(`INSERT INTO chantiers (id, nom, type, client_id, statut)
		SELECT lpad(n::text, 32, '0')::uuid, 'Chantier ' || n, 'construction', lpad((1 + n % $1::int)::text, 32, '0')::uuid, 'en_cours'
		FROM generate_series(1, 2 * $1::int) AS n`, manyClients)
	rows, err := d.db.Pool.Query(d.t.Context(), `SELECT indexname, indexdef FROM pg_indexes
		WHERE schemaname = 'tickets' AND tablename IN ('tickets', 'messages') AND indexname LIKE '%\_by\_%'`)
	d.must(err)
	indexes, err := pgx.CollectRows(rows, pgx.RowToStructByPos[struct{ Name, Definition string }])
	d.must(err)
	if len(indexes) < 10 {
		d.t.Fatalf("found only the indexes %v", indexes)
	}
	d.must(pgx.BeginFunc(d.t.Context(), d.db.Pool, func(tx pgx.Tx) error {
		statements := []string{`SET LOCAL session_replication_role = replica`}
		for _, index := range indexes {
			statements = append(statements, `DROP INDEX `+index.Name)
		}
		statements = append(statements, fmt.Sprintf(`INSERT INTO tickets (id, numero, titre, description, status, priority, categorie, client_id, chantier_id,
				responsable, date_creation, date_modification, date_limite, date_alerte, sla_status, date_resolution, sla_final)
			SELECT lpad(n::text, 32, '0')::uuid, 'TC-2024-' || n, 'Problème ' || n, 'Échafaudage du bâtiment', status, priority, categorie,
				lpad((1 + n %% %[1]d)::text, 32, '0')::uuid, lpad((1 + n %% (2 * %[1]d))::text, 32, '0')::uuid, 'Agent ' || n %% 50, created, created,
				created + hours * interval '1 hour', created + hours * interval '45 minutes', 'ok',
				CASE WHEN resolved THEN created + interval '2 hours' END, CASE WHEN resolved THEN CASE WHEN n %% 10 = 0 THEN 'breach' ELSE 'ok' END END
			FROM (SELECT n, n > %[2]d AS resolved, CASE WHEN n > %[2]d THEN (ARRAY['resolu', 'clos', 'annule'])[1 + n %% 3]
					ELSE (ARRAY['nouveau', 'en_cours', 'en_attente_client', 'en_attente_interne', 'escalade'])[1 + n %% 5] END AS status,
				(ARRAY['critique', 'haute', 'normale', 'basse'])[1 + n * 7 %% 4] AS priority, (ARRAY[4, 8, 24, 72])[1 + n * 7 %% 4] AS hours,
				(ARRAY['securite', 'qualite', 'delais', 'travaux'])[1 + n / 3 %% 4] AS categorie,
				timestamptz '%[3]s' - n * interval '43 seconds' AS created
				FROM generate_series(1, %[4]d) AS n) AS made`, manyClients, manyOpen, now.Format(time.RFC3339), manyTickets),
			`INSERT INTO messages (ticket_id, auteur, contenu) SELECT id, 'Jean', 'Oui' FROM tickets WHERE numero LIKE '%0'`,
			`INSERT INTO tally SELECT status, priority, categorie, coalesce(sla_final, ''), count(*) FROM tickets GROUP BY 1, 2, 3, 4`,
			`INSERT INTO owner_tally SELECT client_id, chantier_id, count(*), count(*) - count(sla_final) FROM tickets GROUP BY 1, 2`)
		for _, index := range indexes {
			statements = append(statements, index.Definition)
		}
		for _, statement := range statements {
			if _, err := tx.Exec(d.t.Context(), statement); err != nil {
				return fmt.Errorf("%s: %w", statement, err)
			}
		}
		return nil
	}))
	d.exec(`VACUUM ANALYZE`)
}

// TestLargeDesk asks PostgreSQL how it runs each statement that the operations, and the watch of thresholds, send: those with
// optional filters planned for the values at hand, as they are sent, the others also planned once for all values. (A word that
// all tickets contain, or that is too short for the index, has them all read.)
func TestLargeDesk(t *testing.T) {
	t.Parallel()
	recorder := &recorder{sent: map[string][]any{}}
	d := newDesk(t, options{silent: true, tracer: recorder})
	who := d.account("Jean Dupont")
	start := time.Now()
	d.fill(sunday)
	t.Logf("filled in %s", time.Since(start))
	recorder.take()
	const client, chantier = "00000000-0000-0000-0000-000000000007", "00000000-0000-0000-0000-000000000008"
	explain := func(path string) {
		t.Helper()
		sent := recorder.take()
		for sql, args := range sent {
			d.explain(path, sql, args)
		}
		if len(sent) < 2 { // the first is the session's
			t.Errorf("%s sends only %v", path, sent)
		}
	}
	for _, query := range []string{
		"", "?page=10000", "?status=clos", "?status=clos&page=3000", "?status=escalade&priority=critique&categorie=delais", "?priority=basse&page=2000",
		"?clientId=" + client, "?clientId=" + client + "&status=nouveau", "?chantierId=" + chantier, "?responsable=Agent+7", "?responsable=personne",
		"?responsable=Agent+7&priority=haute", "?search=tc-2024-199999", "?search=introuvable", "?dateFrom=2025-01-11",
		"?dateTo=2024-11-01&page=100", "?slaStatus=ok", "?slaStatus=ok&page=9000", "?slaStatus=warning", "?slaStatus=breach&page=900",
		"?slaStatus=breach&status=en_cours", "?slaStatus=ok&clientId=" + client, "?slaStatus=warning&dateFrom=2025-01-01&search=batiment",
		"/TC-2024-7", "/" + client, "/" + client + "/messages",
		"/stats", "/stats?clientId=" + client, "/stats?chantierId=" + chantier, "/stats?dateFrom=2025-01-01&dateTo=2025-01-05",
	} {
		path := "/api/tickets-client" + query
		d.call("GET", path, who.token, nil).is(200, "")
		explain(path)
	}
	for _, path := range []string{"/api/clients", "/api/chantiers"} {
		d.call("GET", path, who.token, nil).is(200, "")
		explain(path)
	}
	d.call("PATCH", "/api/tickets-client/TC-2024-7", who.token, map[string]any{"titre": "Autre", "status": "resolu"}).is(200, textUpdated)
	explain("PATCH")
	d.call("POST", "/api/tickets-client/bulk", who.token, map[string]any{
		"ticketIds": []string{"TC-2024-8", client}, "action": "affecter", "data": map[string]any{"responsable": demoNom},
	}).is(200, "")
	explain("bulk")
	d.must(d.watch(t.Context()))
	explain("watch")
}

// recorder keeps the last arguments of each statement.
type recorder struct {
	mu   sync.Mutex
	sent map[string][]any
}

// TraceQueryStart implements pgx.QueryTracer.
func (r *recorder) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	r.mu.Lock()
	defer r.mu.Unlock()
	if strings.Contains(data.SQL, "SELECT") && !strings.Contains(data.SQL, "platform.") || strings.Contains(data.SQL, "UPDATE tickets") {
		r.sent[data.SQL] = data.Args
	}
	return ctx
}

// TraceQueryEnd implements pgx.QueryTracer.
func (r *recorder) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// take is what was sent since the last time.
func (r *recorder) take() map[string][]any {
	r.mu.Lock()
	defer r.mu.Unlock()
	sent := maps.Clone(r.sent)
	clear(r.sent)
	return sent
}

// explain fails the test when a statement reads a large table from end to end.
func (d *desk) explain(path, sql string, args []any) {
	d.t.Helper()
	modes := []string{"force_custom_plan", "force_generic_plan"}
	if len(args) > 0 && args[0] == pgx.QueryExecModeCacheDescribe {
		modes, args = modes[:1], args[1:]
	}
	for _, mode := range modes {
		for _, scan := range d.plan(sql, args, mode).scans() {
			d.t.Errorf("%s, %s: %s\n%s", path, mode, scan, sql)
		}
	}
}

// plan is how PostgreSQL runs a statement.
func (d *desk) plan(sql string, args []any, mode string) (p plan) {
	d.t.Helper()
	values := make([]string, len(args))
	for i, arg := range args {
		values[i] = literal(reflect.ValueOf(arg))
	}
	execute := "EXPLAIN (FORMAT JSON) EXECUTE statement"
	if len(values) > 0 {
		execute += "(" + strings.Join(values, ", ") + ")"
	}
	d.must(pgx.BeginFunc(d.t.Context(), d.db.Pool, func(tx pgx.Tx) error {
		conn := tx.Conn().PgConn()
		for _, statement := range []string{"SET LOCAL plan_cache_mode = " + mode, "PREPARE statement AS " + sql} {
			if _, err := conn.Exec(d.t.Context(), statement).ReadAll(); err != nil {
				return err
			}
		}
		results, err := conn.Exec(d.t.Context(), execute+"; DEALLOCATE statement").ReadAll()
		if err != nil {
			return fmt.Errorf("%s: %w", execute, err)
		}
		var text []byte
		for _, row := range results[0].Rows {
			text = append(text, row[0]...)
		}
		var explained []struct {
			Plan plan `json:"Plan"`
		}
		err = json.Unmarshal(text, &explained)
		p = explained[0].Plan
		return err
	}))
	return p
}

// literal is an argument as SQL.
func literal(arg reflect.Value) string {
	if arg.Kind() == reflect.Pointer {
		if arg.IsNil() {
			return "NULL"
		}
		arg = arg.Elem()
	}
	text := ""
	switch value := arg.Interface().(type) {
	case time.Time:
		text = value.Format(time.RFC3339Nano)
	case []time.Time, []uuid.UUID, []string:
		items := make([]string, arg.Len())
		for i := range items {
			items[i] = literal(arg.Index(i))
		}
		return "ARRAY[" + strings.Join(items, ", ") + "]" + map[reflect.Type]string{
			reflect.TypeFor[[]time.Time](): "::timestamptz[]", reflect.TypeFor[[]uuid.UUID](): "::uuid[]", reflect.TypeFor[[]string](): "::text[]",
		}[arg.Type()]
	default:
		text = fmt.Sprint(value)
	}
	return "'" + strings.ReplaceAll(text, "'", "''") + "'"
}

// plan is a node of a plan.
type plan struct {
	Node      string `json:"Node Type"`
	Relation  string `json:"Relation Name"`
	Filter    string `json:"Filter"`
	Condition string `json:"Index Cond"`
	Plans     []plan `json:"Plans"`
}

// scans are the nodes that read a large table, or an index of one, from end to end. An index that a limit stops is not.
func (p plan) scans() []string { return p.below("") }

func (p plan) below(parent string) []string {
	var found []string
	large := slices.Contains([]string{"tickets", "messages"}, p.Relation)
	whole := p.Node == "Seq Scan" || strings.HasPrefix(p.Node, "Index") && p.Condition == "" && parent != "Limit"
	if large && whole {
		found = append(found, p.Node+" of "+p.Relation+" "+p.Filter)
	}
	for _, child := range p.Plans {
		found = append(found, child.below(p.Node)...)
	}
	return found
}
