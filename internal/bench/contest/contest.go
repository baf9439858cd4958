// Package contest fills a prize game: players with accounts and tokens by the system's own API, prizes, codes and played
// tickets by SQL, as many as a measurement needs.
package contest

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Schema is the PostgreSQL schema that everything is written into.
const Schema = "tiptop"

// Password is that of every player.
const Password = "Password123"

// Player is an account of role CLIENT with a session.
type Player struct {
	Email   string
	Token   string
	Tickets []string // ids of tickets that Fill made
}

// Contest is a filled prize game.
type Contest struct {
	Players []Player
	conn    *pgx.Conn
	serial  int // codes made so far
}

// Config says what to fill.
type Config struct {
	URL         string // of the system's API
	DatabaseURL string
	Players     int
	Tickets     int // already played, of each player
}

// Fill fills a game whose schema is there. Whoever called it calls Close.
func Fill(ctx context.Context, cfg Config) (*Contest, error) {
	conn, err := connect(ctx, cfg.DatabaseURL)
	if err != nil {
		return nil, fmt.Errorf("contest.Fill: %w", err)
	}
	c := &Contest{conn: conn, Players: make([]Player, cfg.Players)}
	if err := c.fill(ctx, cfg); err != nil {
		conn.Close(context.WithoutCancel(ctx))
		return nil, fmt.Errorf("contest.Fill: %w", err)
	}
	return c, nil
}

func connect(ctx context.Context, url string) (*pgx.Conn, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	config.RuntimeParams["search_path"] = Schema
	return pgx.ConnectConfig(ctx, config)
}

// Close ends the connection to the database.
func (c *Contest) Close(ctx context.Context) error { return c.conn.Close(ctx) }

// Reconnect replaces the connection to a database that was restarted.
func (c *Contest) Reconnect(ctx context.Context, url string) error {
	conn, err := connect(ctx, url)
	if err != nil {
		return fmt.Errorf("contest.Reconnect: %w", err)
	}
	_ = c.conn.Close(ctx) // it is dead
	c.conn = conn
	return nil
}

func (c *Contest) fill(ctx context.Context, cfg Config) error {
	if err := c.addPrizes(ctx); err != nil {
		return err
	}
	for i := range c.Players {
		p := &c.Players[i]
		p.Email = fmt.Sprintf("player-%d-%s@example.com", i, strings.ToLower(rand.Text()[:8]))
		if err := p.enter(ctx, cfg.URL); err != nil {
			return err
		}
		if err := c.addTickets(ctx, p, cfg.Tickets); err != nil {
			return err
		}
	}
	// What autovacuum would do in its own time, so that no measurement meets it.
	_, err := c.conn.Exec(ctx, "VACUUM (ANALYZE)")
	return err
}

// enter registers the player and logs in.
func (p *Player) enter(ctx context.Context, url string) error {
	err := post(ctx, url+"/api/auth/register", http.StatusCreated, nil, map[string]string{
		"email": p.Email, "password": Password, "confirmPassword": Password, "firstName": "Jeanne", "lastName": "Martin",
	})
	if err != nil {
		return err
	}
	var answer struct{ Token string }
	err = post(ctx, url+"/api/auth/login", http.StatusOK, &answer, map[string]string{"email": p.Email, "password": Password})
	if err == nil && answer.Token == "" {
		err = fmt.Errorf("%s got no token", p.Email)
	}
	p.Token = answer.Token
	return err
}

func post(ctx context.Context, url string, want int, answer, body any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(data))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	data, err = io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != want {
		return fmt.Errorf("POST %s: %s: %s", url, response.Status, data)
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(data, answer)
}

// addPrizes adds the document's kinds of prizes, with more stock than anybody can win.
func (c *Contest) addPrizes(ctx context.Context) error {
	const stock = 1_000_000_000
	rows, err := c.conn.Query(ctx, `
		INSERT INTO prizes (id, type, name, description, value_cents, probability, initial_stock, created_at)
		SELECT gen_random_uuid(), kind, label, 'Un thé bio au choix, ou une infusion', cents, weight, $1, now()
		FROM (VALUES ('PHYSICAL', 'Infuseur à thé', 600, 0.6::float8), ('PHYSICAL', 'Boîte de 100g d''un thé détox ou d''infusion', 1200, 0.2),
		             ('PHYSICAL', 'Boîte de 100g d''un thé signature', 1800, 0.1), ('PHYSICAL', 'Coffret découverte', 3900, 0.06),
		             ('DISCOUNT', 'Bon d''achat', 6900, 0.04)) AS p (kind, label, cents, weight)
		RETURNING id::text`, stock)
	if err != nil {
		return err
	}
	prizes, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	_, err = c.conn.Exec(ctx, `
		INSERT INTO prize_stock (prize_id, shard, remaining)
		SELECT prize::uuid, shard, $2::integer / 8 FROM unnest($1::text[]) AS prize, generate_series(0, 7) AS shard`, prizes, stock)
	return err
}

// addTickets gives the player tickets that were played in the past, a minute apart.
func (c *Contest) addTickets(ctx context.Context, p *Player, n int) error {
	codes, err := c.AddCodes(ctx, n)
	if err != nil || n == 0 {
		return err
	}
	rows, err := c.conn.Query(ctx, `
		WITH played AS (
			UPDATE codes SET played_at = issued_at WHERE code = ANY ($1) RETURNING code
		)
		INSERT INTO tickets (id, code, user_id, prize_id, played_at)
		SELECT gen_random_uuid(), code, (SELECT id FROM users WHERE email = $2),
		       (SELECT id FROM prizes ORDER BY id OFFSET n % 5 LIMIT 1), date_trunc('milliseconds', now()) - n * interval '1 minute'
		FROM (SELECT code, row_number() OVER () AS n FROM played) AS numbered
		RETURNING id::text`, codes, p.Email)
	if err != nil {
		return err
	}
	p.Tickets, err = pgx.CollectRows(rows, pgx.RowTo[string])
	return err
}

// AddCodes issues codes that nobody has played.
func (c *Contest) AddCodes(ctx context.Context, n int) ([]string, error) {
	codes := make([]string, n)
	prefix := rand.Text()[:4]
	for i := range codes {
		codes[i] = fmt.Sprintf("%s-%04d-%04d", prefix, c.serial/10_000, c.serial%10_000)
		c.serial++
	}
	now := time.Now()
	_, err := c.conn.CopyFrom(ctx, pgx.Identifier{"codes"}, []string{"code", "issued_at"},
		pgx.CopyFromSlice(n, func(i int) ([]any, error) { return []any{codes[i], now}, nil }))
	if err != nil {
		return nil, fmt.Errorf("contest.AddCodes: %w", err)
	}
	return codes, nil
}

// Played counts the tickets in the database.
func (c *Contest) Played(ctx context.Context) (int, error) {
	var n int
	err := c.conn.QueryRow(ctx, "SELECT count(*) FROM tickets").Scan(&n)
	return n, err
}
