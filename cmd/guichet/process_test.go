//go:build unix

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/guichet-api/guichet/internal/tickets"
	"github.com/guichet-api/guichet/internal/tiptop"
)

// TestMain builds the program once, the first time that a test wants it, and removes it at the end.
func TestMain(m *testing.M) {
	code := m.Run()
	if built.dir != "" {
		_ = os.RemoveAll(built.dir)
	}
	os.Exit(code)
}

// built is the program under test.
var built struct {
	once sync.Once
	dir  string
	err  error
}

// binary is the path of the program. Any user may run it.
func binary(t *testing.T) string {
	t.Helper()
	built.once.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "guichet-bin-"); built.err != nil {
			return
		}
		if built.err = os.Chmod(built.dir, 0o755); built.err != nil {
			return
		}
		out, err := exec.Command("go", "build", "-o", filepath.Join(built.dir, "guichet"), ".").CombinedOutput()
		if err != nil {
			built.err = fmt.Errorf("go build: %w\n%s", err, out)
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return filepath.Join(built.dir, "guichet")
}

// process is a running program.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	stdout safeBuffer
	stderr safeBuffer
	lines  chan map[string]any // its log; nobody has to read it
	ended  chan struct{}
	err    error // of Wait, once ended
}

// safeBuffer is written by one goroutine and read by another.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// patience is how long tests wait for something that is bound to come.
const patience = 60 * time.Second

// environment for a program on its own: nothing of the developer's but the path.
func baseEnv(stateDir string, more ...string) []string {
	env := []string{
		"PATH=" + os.Getenv("PATH"), "PG_BIN=" + os.Getenv("PG_BIN"), "HOME=" + filepath.Dir(stateDir), "GUICHET_STATE_DIR=" + stateDir,
		"GUICHET_PORTAL_ADDR=127.0.0.1:0",
	}
	for _, s := range systemTable() {
		env = append(env, s.variable("ADDR")+"=127.0.0.1:0")
	}
	return append(env, more...)
}

// command prepares the program without starting it.
func command(t *testing.T, env []string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(binary(t), args...)
	cmd.Env = env
	cmd.Dir = "/"
	return cmd
}

// start starts the program; it is stopped when the test ends, should it still run.
func start(t *testing.T, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{t: t, cmd: cmd, lines: make(chan map[string]any, 10_000), ended: make(chan struct{})}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout = &p.stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go p.follow(stderr)
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // in good order: a killed one leaves its socket's directory behind
		select {
		case <-p.ended:
		case <-time.After(patience):
			_ = cmd.Process.Kill()
			<-p.ended
			t.Errorf("%v did not end when it was told to", cmd.Args[1:])
		}
		if t.Failed() {
			t.Logf("%v\nstdout:\n%s\nstderr:\n%s", cmd.Args[1:], p.stdout.String(), p.stderr.String())
		}
	})
	return p
}

// follow reads the log until the program ends.
func (p *process) follow(stderr io.Reader) {
	defer close(p.ended)
	scanner := bufio.NewScanner(stderr)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		fmt.Fprintf(&p.stderr, "%s\n", scanner.Bytes())
		var line map[string]any
		if json.Unmarshal(scanner.Bytes(), &line) == nil {
			select {
			case p.lines <- line:
			default:
			}
		}
	}
	p.err = p.cmd.Wait()
	close(p.lines)
}

// line waits for a line of the log with one of these messages.
func (p *process) line(messages ...string) map[string]any {
	p.t.Helper()
	timeout := time.After(patience)
	for {
		select {
		case line, open := <-p.lines:
			if !open {
				p.t.Fatalf("the program ended without %q: %v\n%s", messages, p.err, p.stderr.String())
			}
			if message, _ := line["msg"].(string); slices.Contains(messages, message) {
				return line
			}
		case <-timeout:
			p.t.Fatalf("no %q in the log:\n%s", messages, p.stderr.String())
		}
	}
}

// wait waits for the program's end and answers its exit code, -1 for a signal.
func (p *process) wait() int {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(patience):
		p.t.Fatal("the program does not end")
	}
	var exit *exec.ExitError
	if p.err != nil && !errors.As(p.err, &exit) {
		p.t.Fatal(p.err)
	}
	return p.cmd.ProcessState.ExitCode()
}

func (p *process) signal(sig syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		p.t.Fatal(err)
	}
}

// server is a running `guichet serve`.
type server struct {
	*process
	stateDir string
	at       map[string]string // addresses, by system and "portal"

	portal, tiptop, tickets string // the same, for those that are used all the time
}

// serve starts a server on free ports and waits until it is ready.
func serve(t *testing.T, stateDir string, env []string, args ...string) *server {
	t.Helper()
	return await(t, stateDir, start(t, command(t, baseEnv(stateDir, env...), append([]string{"serve"}, args...)...)))
}

// await waits until a server is ready.
func await(t *testing.T, stateDir string, p *process) *server {
	t.Helper()
	s := &server{process: p, stateDir: stateDir, at: map[string]string{}}
	for line := p.line("listening", "ready"); line["msg"] != "ready"; line = p.line("listening", "ready") {
		name, _ := line["system"].(string)
		s.at[name], _ = line["url"].(string)
	}
	s.portal, s.tiptop, s.tickets = s.at[portalName], s.at[tiptop.Name], s.at[tickets.Name]
	return s
}

// finish runs the program to its end.
func finish(t *testing.T, cmd *exec.Cmd) (code int, stdout, stderr string) {
	t.Helper()
	p := start(t, cmd)
	code = p.wait()
	return code, p.stdout.String(), p.stderr.String()
}

// admin runs a command beside the server and returns what it prints.
func (s *server) admin(stdin string, args ...string) string {
	s.t.Helper()
	cmd := command(s.t, baseEnv(s.stateDir), args...)
	cmd.Stdin = strings.NewReader(stdin)
	code, out, errs := finish(s.t, cmd)
	if code != 0 {
		s.t.Fatalf("%v exits %d: %s", args, code, errs)
	}
	return out
}

// answer is an HTTP answer, read to its end.
type answer struct {
	status int
	header http.Header
	text   string
	body   map[string]any // when it is a JSON object
}

// call sends a request; body may be "", token too.
func call(t *testing.T, method, url, token, body string) answer {
	t.Helper()
	a, err := tryCall(t.Context(), method, url, token, body)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// tryCall is call for who expects that nobody answers.
func tryCall(ctx context.Context, method, url, token, body string) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return answer{}, err
	}
	a := answer{status: response.StatusCode, header: response.Header, text: string(text)}
	_ = json.Unmarshal(text, &a.body) // not everything is JSON
	return a, nil
}

// at walks into a JSON answer: at("data", "ticket", "id").
func (a answer) at(path ...string) any {
	var value any = a.body
	for _, key := range path {
		object, _ := value.(map[string]any)
		value = object[key]
	}
	return value
}

// str is at for a string.
func (a answer) str(path ...string) string {
	text, _ := a.at(path...).(string)
	return text
}

// tokenOf is the token of a demo account.
func tokenOf(t *testing.T, base, email, password string) string {
	t.Helper()
	a := call(t, "POST", base+"/api/auth/login", "", fmt.Sprintf(`{"email":%q,"password":%q}`, email, password))
	if a.status != 200 || a.str("token") == "" {
		t.Fatalf("login of %s: %d %s", email, a.status, a.text)
	}
	return a.str("token")
}
