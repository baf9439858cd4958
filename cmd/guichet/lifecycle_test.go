//go:build unix

package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/guichet-api/guichet/internal/testkit"
	"github.com/guichet-api/guichet/internal/tiptop"
)

// TestStart: from the first moment the portal says that everything is starting, and who calls a system waits for it.
func TestStart(t *testing.T) {
	t.Parallel()
	p := start(t, command(t, baseEnv(newStateDir(t)), "serve"))
	at := map[any]string{}
	for at["portal"] == "" || at["tiptop"] == "" {
		line := p.line("listening")
		at[line["system"]], _ = line["url"].(string)
	}
	// The database has yet to be created: seconds, against milliseconds for these.
	if a := call(t, "GET", at["portal"]+"/readyz", "", ""); a.status != 503 || a.at("status") != "starting" {
		t.Errorf("/readyz: %d %s", a.status, a.text)
	}
	if a := call(t, "GET", at["portal"]+"/healthz", "", ""); a.status != 200 {
		t.Errorf("/healthz: %d %s", a.status, a.text)
	}
	if a := call(t, "GET", at["tiptop"]+"/db-check", "", ""); a.status != 200 {
		t.Errorf("who waited for the system: %d %s", a.status, a.text)
	}
	eventually(t, "the portal", func() bool { return call(t, "GET", at["portal"]+"/readyz", "", "").status == 200 })
}

// TestDrain: a signal lets the request under way end, and takes no other.
func TestDrain(t *testing.T) {
	t.Parallel()
	s := serve(t, newStateDir(t), nil, "--only", "tiptop")
	slow := beginLogin(t, s)
	s.signal(syscall.SIGTERM)
	s.line("stopping")
	eventually(t, "the closed door", func() bool {
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.tiptop, "http://"))
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
	select {
	case <-s.ended:
		t.Fatal("the program ended with a request under way")
	default:
	}
	if status := slow.finish(); status != 200 {
		t.Errorf("the request under way is answered with %d", status)
	}
	if code := s.wait(); code != 0 {
		t.Errorf("exits %d", code)
	}
}

// TestSecondSignal: who cannot wait for the drain signals again; nothing is lost, and the next start finds no obstacle.
func TestSecondSignal(t *testing.T) {
	t.Parallel()
	stateDir := newStateDir(t)
	s := serve(t, stateDir, nil, "--only", "tiptop")
	client := tokenOf(t, s.tiptop, "test-client@test.com", "Test1234")
	if a := call(t, "POST", s.tiptop+"/api/game/play", client, fmt.Sprintf(`{"ticketCode":%q}`, tiptop.DemoCode)); a.status != 200 {
		t.Fatalf("play: %d %s", a.status, a.text)
	}
	beginLogin(t, s)
	s.signal(syscall.SIGINT)
	s.line("stopping")
	eventually(t, "the end", func() bool { // the first signal's handler may still be in place
		_ = s.cmd.Process.Signal(syscall.SIGINT)
		select {
		case <-s.ended:
			return true
		default:
			return false
		}
	})
	if code := s.wait(); code != -1 {
		t.Errorf("exits %d, and not by the signal", code)
	}
	s = serve(t, stateDir, nil, "--only", "tiptop")
	if a := call(t, "GET", s.tiptop+"/api/game/ticket/"+tiptop.DemoCode, client, ""); a.status != 200 {
		t.Errorf("the ticket afterwards: %d %s", a.status, a.text)
	}
}

// slowLogin is a request whose body is sent in two halves.
type slowLogin struct {
	t    *testing.T
	conn net.Conn
	rest string
}

// beginLogin sends the first half, and comes back when the server handles the request.
func beginLogin(t *testing.T, s *server) slowLogin {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.tiptop, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	body := `{"email":"admin@test.com","password":"Admin1234"}`
	// Expect makes the server say when it reads the body: then a handler is at work.
	fmt.Fprintf(conn, "POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n", len(body))
	reader := bufio.NewReader(conn)
	if line, err := reader.ReadString('\n'); err != nil || !strings.Contains(line, "100") {
		t.Fatalf("instead of 100 Continue: %q %v", line, err)
	}
	if _, err := reader.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, body[:10]); err != nil {
		t.Fatal(err)
	}
	return slowLogin{t: t, conn: conn, rest: body[10:]}
}

// finish sends the second half and answers the status.
func (l slowLogin) finish() int {
	l.t.Helper()
	if _, err := io.WriteString(l.conn, l.rest); err != nil {
		l.t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(l.conn), nil)
	if err != nil {
		l.t.Fatal(err)
	}
	defer response.Body.Close()
	return response.StatusCode
}

// TestRestart: data, sessions, demo codes and rate limits outlive the process.
func TestRestart(t *testing.T) {
	t.Parallel()
	stateDir := newStateDir(t)
	s := serve(t, stateDir, nil, "--only", "tiptop")
	client := tokenOf(t, s.tiptop, "test-client@test.com", "Test1234")
	play := fmt.Sprintf(`{"ticketCode":%q}`, tiptop.DemoCode)
	if a := call(t, "POST", s.tiptop+"/api/game/play", client, play); a.status != 200 {
		t.Fatalf("play: %d %s", a.status, a.text)
	}
	wrong := `{"email":"victim@example.com","password":"Wrong1234"}`
	for i := range 11 {
		a := call(t, "POST", s.tiptop+"/api/auth/login", "", wrong)
		if want := map[bool]int{true: 401, false: 429}[i < 10]; a.status != want {
			t.Fatalf("failure %d: %d %s", i+1, a.status, a.text)
		}
	}
	s.signal(syscall.SIGTERM)
	if code := s.wait(); code != 0 {
		t.Fatalf("exits %d", code)
	}
	s = serve(t, stateDir, []string{"GUICHET_CHECK=false"}, "--only", "tiptop")
	if a := call(t, "POST", s.tiptop+"/api/auth/login", "", wrong); a.status != 429 || a.header.Get("Retry-After") == "" {
		t.Errorf("the limit after a restart: %d, Retry-After %q", a.status, a.header.Get("Retry-After"))
	}
	if a := call(t, "POST", s.tiptop+"/api/game/play", client, play); a.status != 400 || !strings.Contains(a.text, "déjà été utilisé") {
		t.Errorf("the played code after a restart: %d %s", a.status, a.text)
	}
	if a := call(t, "GET", s.portal+"/", "", ""); !strings.Contains(a.text, "not checked") {
		t.Error("the portal does not say that responses are not checked")
	}
}

// TestFrozenDatabase: while PostgreSQL does not answer, nobody waits long, and everybody is told in the envelope.
func TestFrozenDatabase(t *testing.T) {
	t.Parallel()
	s := serve(t, newStateDir(t), nil, "--only", "tiptop")
	client := tokenOf(t, s.tiptop, "test-client@test.com", "Test1234")
	signalDatabase(t, s, syscall.SIGSTOP)
	thaw := func() { signalDatabase(t, s, syscall.SIGCONT) }
	defer thaw()
	var group sync.WaitGroup
	for _, c := range []struct {
		target, want string
		status       int
	}{
		{s.tiptop + "/db-check", `"success":false`, 503},
		{s.tiptop + "/api/auth/me", `"success":false`, 503},
		{s.portal + "/readyz", `"status":"unavailable"`, 503},
		{s.portal + "/", `class="state away"`, 200},
		{s.portal + "/healthz", "alive", 200},
		{s.tiptop + "/", "en ligne", 200},
	} {
		group.Go(func() {
			begun := time.Now()
			a, err := tryCall(t.Context(), "GET", c.target, client, "")
			if err != nil || a.status != c.status || !strings.Contains(a.text, c.want) {
				t.Errorf("%s: %d %s %v, want %d and %s", c.target, a.status, a.text, err, c.status, c.want)
			}
			if took := time.Since(begun); took > 2*5*time.Second { // 5 s are promised, on a machine that has time
				t.Errorf("%s took %v", c.target, took)
			}
		})
	}
	group.Wait()
	thaw()
	eventually(t, "the database", func() bool { return call(t, "GET", s.portal+"/readyz", "", "").status == 200 })
}

// signalDatabase signals every process of the server's PostgreSQL.
func signalDatabase(t *testing.T, s *server, sig syscall.Signal) {
	t.Helper()
	first := strconv.Itoa(postmaster(t, s.stateDir))
	out, err := exec.Command("ps", "-A", "-o", "pid=,ppid=").Output()
	if err != nil {
		testkit.Skip(t, "no ps here: the processes of PostgreSQL cannot be found")
	}
	pids := []string{first}
	for line := range strings.Lines(string(out)) {
		if fields := strings.Fields(line); len(fields) == 2 && fields[1] == first {
			pids = append(pids, fields[0])
		}
	}
	if sig == syscall.SIGSTOP && len(pids) < 4 {
		t.Fatalf("PostgreSQL has only the processes %v", pids)
	}
	for _, text := range pids {
		pid, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		_ = syscall.Kill(pid, sig) // one may have ended by itself
	}
}

// TestNormalUser: what TestServe does as whoever runs the tests, this does as a normal user when that is root.
func TestNormalUser(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("not root: every other test runs as a normal user then")
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		testkit.Skip(t, "no user nobody")
	}
	uid, err1 := strconv.ParseUint(nobody.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(nobody.Gid, 10, 32)
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	stateDir := newStateDir(t)
	home := filepath.Dir(stateDir)
	if err := os.Chown(home, int(uid), int(gid)); err != nil {
		t.Fatal(err)
	}
	// No GUICHET_STATE_DIR: the default place below the home directory.
	env := slices.DeleteFunc(baseEnv(stateDir), func(v string) bool { return strings.HasPrefix(v, "GUICHET_STATE_DIR=") })
	cmd := command(t, env, "serve")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	s := await(t, filepath.Join(home, ".local", "state", "guichet"), start(t, cmd))
	tokenOf(t, s.portal+"/tiptop", "admin@test.com", "Admin1234")
	info, err := os.Stat(filepath.Join(s.stateDir, "secret"))
	if err != nil || info.Sys().(*syscall.Stat_t).Uid != uint32(uid) || info.Mode().Perm() != 0o600 {
		t.Errorf("the secret: %v, %v", info, err)
	}
	s.signal(syscall.SIGTERM)
	if code := s.wait(); code != 0 {
		t.Errorf("exits %d", code)
	}
}

// TestInterruptedIssue: a command that is told to end says so, and what it has written is issued.
func TestInterruptedIssue(t *testing.T) {
	t.Parallel()
	stateDir := newStateDir(t)
	list := filepath.Join(filepath.Dir(stateDir), "codes.csv")
	p := start(t, command(t, baseEnv(stateDir), "tiptop", "codes", "issue", "--count", "5000000", "--out", list))
	eventually(t, "the first codes", func() bool {
		content, err := os.ReadFile(list)
		return err == nil && strings.Count(string(content), "\n") > 10_000
	})
	p.signal(syscall.SIGINT)
	if code := p.wait(); code != exitFailure || !strings.Contains(p.stderr.String(), "guichet: interrupted\n") {
		t.Errorf("exits %d and says %q", code, p.stderr.String())
	}
	content, err := os.ReadFile(list)
	if err != nil || !strings.HasSuffix(string(content), "\n") {
		t.Fatalf("the list ends with %q: %v", content[max(0, len(content)-20):], err)
	}
	codes := strings.Fields(string(content))
	s := serve(t, stateDir, nil, "--only", "tiptop")
	client := tokenOf(t, s.tiptop, "test-client@test.com", "Test1234")
	if a := call(t, "POST", s.tiptop+"/api/game/play", client, fmt.Sprintf(`{"ticketCode":%q}`, codes[len(codes)-1])); a.status != 200 {
		t.Errorf("the last code of the list: %d %s", a.status, a.text)
	}
}
