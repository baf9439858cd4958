// Package guichet builds the product's binary and serves the prize game with it.
package guichet

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/guichet-api/guichet/internal/bench/process"
)

// Build builds the binary of the module that this one replaces, into dir, and answers with its path. It is run in this
// module's directory, as go run does.
func Build(ctx context.Context, dir string) (string, error) {
	binary := filepath.Join(dir, "guichet")
	err := process.Run(ctx, filepath.Join("..", ".."), os.Environ(), "go", "build", "-o", binary, "./cmd/guichet")
	if err != nil {
		return "", fmt.Errorf("guichet.Build: %w", err)
	}
	return binary, nil
}

// Config says how to serve.
type Config struct {
	Binary      string
	Dir         string // state directory and log
	DatabaseURL string // "": the embedded database
	Secret      string // required with DatabaseURL
}

// Server is a binary that serves the prize game, as in production but for the rate limits: no demo data, responses
// unchecked, JSON logs of every request.
type Server struct {
	*process.Child
	URL       string // of the prize game
	PortalURL string
}

// Serve starts the binary and waits until it can serve. Whoever called it calls Stop.
func Serve(ctx context.Context, cfg Config) (*Server, error) {
	game, err := FreeAddr()
	if err != nil {
		return nil, err
	}
	portal, err := FreeAddr()
	if err != nil {
		return nil, err
	}
	s := &Server{URL: "http://" + game, PortalURL: "http://" + portal}
	s.Child, err = process.Start(process.Config{
		Name: "guichet", Logs: cfg.Dir, Args: []string{cfg.Binary, "serve", "--only", "tiptop"},
		Env: append(clean(os.Environ()),
			"DATABASE_URL="+cfg.DatabaseURL, "GUICHET_SECRET="+cfg.Secret, "GUICHET_STATE_DIR="+filepath.Join(cfg.Dir, "state"),
			"GUICHET_TIPTOP_ADDR="+game, "GUICHET_PORTAL_ADDR="+portal, "GUICHET_RATE_LIMITS=off", "GUICHET_DEMO=false",
			"GUICHET_DEV=false", "GUICHET_LOG_FORMAT=json",
		),
	})
	if err != nil {
		return nil, err
	}
	if err := s.WaitReady(ctx, func(ctx context.Context) error { return Get(ctx, s.PortalURL+"/readyz") }); err != nil {
		return nil, fmt.Errorf("guichet.Serve: %w", joinStop(err, s.Child))
	}
	return s, nil
}

func joinStop(err error, c *process.Child) error {
	if stop := c.Stop(); stop != nil {
		return fmt.Errorf("%w; %w", err, stop)
	}
	return err
}

// clean removes the variables that configure the product, so that a run does not depend on who started it.
func clean(env []string) []string {
	var kept []string
	for _, entry := range env {
		name, _, _ := strings.Cut(entry, "=")
		if name != "DATABASE_URL" && name != "SMTP_URL" && !strings.HasPrefix(name, "GUICHET_") {
			kept = append(kept, entry)
		}
	}
	return kept
}

// Get asks for a page and fails unless the answer is 200.
func Get(ctx context.Context, url string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, response.Status)
	}
	return nil
}

// FreeAddr finds an address on the loopback interface that nobody listens at. Its port lies below those that the kernel
// gives to outgoing connections, so that none of them takes it meanwhile.
func FreeAddr() (string, error) {
	const lowest, highest, tries = 20_000, 32_000, 50
	var last error
	for range tries {
		n, err := rand.Int(rand.Reader, big.NewInt(highest-lowest))
		if err != nil {
			return "", fmt.Errorf("guichet.FreeAddr: %w", err)
		}
		listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", lowest+n.Int64()))
		if err != nil {
			last = err
			continue
		}
		return listener.Addr().String(), listener.Close()
	}
	return "", fmt.Errorf("guichet.FreeAddr: %w", last)
}

// NewSecret makes a value for GUICHET_SECRET.
func NewSecret() string {
	secret := make([]byte, 32)
	rand.Read(secret) // never fails: crypto/rand
	return hex.EncodeToString(secret)
}
