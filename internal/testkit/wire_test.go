package testkit

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

// lineServer answers a text protocol over TCP: each command is answered by what it was called with; QUIT closes.
func lineServer(t *testing.T) *Target {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go serveLines(conn)
		}
	}()
	return &Target{URL: "http://unused", TCP: listener.Addr().String()}
}

func serveLines(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	lines := bufio.NewScanner(conn)
	for n := 1; lines.Scan(); n++ {
		if lines.Text() == "QUIT" {
			return
		}
		fmt.Fprintf(conn, "200/OK\nnumber:%d\nsaid:%s\n", n, lines.Text())
	}
}

func TestTCP(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ text, want string }{
		"split writes":        {"-- ben: send --\nA\\|B\\x43\n\\u00e9\\r\\\n\n-- ben: expect --\n200/OK\nnumber:1\nsaid:ABC\n200/OK\nnumber:<integer as n2>\\nsaid:\\\n\\u00e9\n-- ben: send --\n{n2}\n-- ben: expect --\n<string>\n<string>\nsaid:2\n", ""},
		"byte by byte":        {"-- ben: send byte by byte --\nlonger text\n-- ben: expect --\n200/OK\nnumber:1\nsaid:longer text\n-- ben: expect nothing within 5ms --\n", ""},
		"half an answer":      {"-- ben: send --\nx\n-- ben: expect --\n200/OK\n-- ben: expect --\nnumber:1\nsaid:<string as s>\n-- ben: send --\n{s}\n-- ben: expect --\n<string>\n<string>\nsaid:x\n", ""},
		"two connections":     {"-- ann: connect tcp --\n-- ben: send --\nb\n-- ann: send --\na\n-- ben: expect --\n200/OK\nnumber:1\nsaid:b\n-- ann: expect --\n200/OK\nnumber:1\nsaid:a\n", ""},
		"closed":              {"-- ben: send --\nQUIT\n-- ben: expect close --\n", ""},
		"closed by us":        {"-- ben: close --\n-- ben: connect tcp --\n-- ben: send --\na\n-- ben: expect --\n200/OK\nnumber:1\nsaid:a\n", ""},
		"used when closed":    {"-- ben: close --\n-- ben: send --\na\n", "ben is not connected"},
		"other bytes":         {"-- ben: send --\nx\n-- ben: send --\nQUIT\n-- ben: expect --\n200/OK\nnumber:2\nsaid:x\n", "line 9    text: want this line"},
		"unexpected":          {"-- ben: send --\nx\n-- ben: expect --\n200/OK\n-- ben: expect nothing within 2s --\n", `something has come: "number:1\nsaid:x\n"`},
		"unexpected at close": {"-- ben: send --\nx\nQUIT\n-- ben: expect close --\n", `bytes that nobody expected: "200/OK\nnumber:1\nsaid:x\n"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			expectFailure(t, replay(t, Suite{}, lineServer(t), "Head.\n-- ben: connect tcp --\n"+test.text), test.want)
		})
	}
}

// expectFailure compares what went wrong with what should have; empty: nothing.
func expectFailure(t *testing.T, got, want string) {
	t.Helper()
	if want == "" && got != "" || !strings.Contains(got, want) {
		t.Errorf("want the failure %q, got:\n%s", want, got)
	}
}

// echoServer upgrades who brings a token, greets with its name and echoes; "bye" closes with 4001, "twice" answers two frames.
func echoServer(t *testing.T) *Target {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token := r.URL.Query().Get("token") + strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		var protocols []string
		if _, jwt, ok := strings.Cut(r.Header.Get("Sec-WebSocket-Protocol"), "bearer,"); ok {
			token, protocols = strings.TrimSpace(jwt), []string{"bearer"}
		}
		if token == "" {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, `{"message": "Token manquant"}`)
			return
		}
		conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: protocols})
		if err != nil {
			return
		}
		converse(r.Context(), conn, token)
	}))
	t.Cleanup(server.Close)
	return &Target{URL: server.URL}
}

func converse(ctx context.Context, conn *websocket.Conn, token string) {
	defer func() { _ = conn.CloseNow() }()
	say := func(text string) { _ = conn.Write(ctx, websocket.MessageText, []byte(text)) }
	say(`{"type": "hello", "data": "` + token + `"}`)
	for {
		_, frame, err := conn.Read(ctx)
		if err != nil {
			return
		}
		switch string(frame) {
		case "bye":
			_ = conn.Close(4001, "bye")
			return
		case "twice":
			say(`{"n": 2}`)
			say(`{"n": 1}`)
		default:
			say(string(frame))
		}
	}
}

func TestWebSocket(t *testing.T) {
	t.Parallel()
	const hello = "-- ann: connect ws /ws?token=t1 --\n-- ann: expect --\n{\"type\": \"hello\", \"data\": \"<string as token>\"}\n"
	for name, test := range map[string]struct{ text, want string }{
		"echo":              {hello + "-- ann: send --\n{\"say\": \"{token}\"}\n-- ann: expect --\n{\"say\": \"t1\"}\n-- ann: expect nothing within 5ms --\n", ""},
		"bearer":            {hello + "-- ben: connect ws /ws as token --\n-- ben: expect --\n{\"type\": \"hello\", \"data\": \"t1\"}\n", ""},
		"subprotocol":       {"-- ann: connect ws /ws --\nSec-WebSocket-Protocol: bearer, t2\n-- 101 --\nSec-WebSocket-Protocol: bearer\n-- ann: expect --\n{\"type\": \"hello\", \"data\": \"t2\"}\n", ""},
		"refused":           {"-- ann: connect ws /ws --\n-- 401 --\n{\"message\": \"Token manquant\"}\n", ""},
		"refused otherwise": {"-- ann: connect ws /ws --\n-- 403 --\n{\"message\": \"Token manquant\"}\n", "status: want 403, got 401"},
		"refused, unasked":  {"-- ann: connect ws /ws --\n", "the server refused the connection: 401"},
		"not refused":       {"-- ann: connect ws /ws?token=x --\n-- 401 --\n{}\n", "status: want 401, got 101"},
		"order":             {hello + "-- ann: send --\ntwice\n-- ann: expect --\n{\"n\": 1}\n{\"n\": 2}\n", "n: want 1, got 2"},
		"any order":         {hello + "-- ann: send --\ntwice\n-- ann: expect in any order --\n{\"n\": 1}\n{\"n\": \"<integer>\"}\n", ""},
		"any order, wrong":  {hello + "-- ann: send --\ntwice\n-- ann: expect in any order --\n{\"n\": 1}\n{\"n\": 3}\n", "somewhere {\"n\": 1}"},
		"eventually":        {hello + "-- ann: send --\ntwice\n-- ann: expect eventually --\n{\"n\": 1}\n", ""},
		"frame of text":     {hello + "-- ann: send --\nplain words\n-- ann: expect --\nplain <string>\n", ""},
		"other text":        {hello + "-- ann: send --\nplain words\n-- ann: expect --\nother words\n", "text: want this line"},
		"text, eventually":  {hello + "-- ann: send --\ntwice\n-- ann: send --\nwords\n-- ann: expect eventually --\nwords\n", ""},
		"close code":        {hello + "-- ann: send --\nbye\n-- ann: expect close 4001 --\n", ""},
		"other close code":  {hello + "-- ann: send --\nbye\n-- ann: expect close 1013 --\n", "want the close code 1013, got 4001"},
		"message at close":  {hello + "-- ann: send --\nx\n-- ann: expect close --\n", "a message came instead: x"},
		"end for message":   {hello + "-- ann: send --\nbye\n-- ann: expect --\n{}\n", "the connection has ended"},
		"unexpected":        {hello + "-- ann: send --\nx\n-- ann: expect nothing within 2s --\n", "something has come: x"},
		"contract":          {hello + "-- ann: send --\n\"forbidden\"\n", "the contract is broken by \"forbidden\""},
		"contract, answer":  {hello + "-- ann: send --\ntwice\n-- ann: expect --\n{\"n\": 2}\n{\"n\": 1}\n", "the contract is broken by {\"n\": 1}"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			suite := Suite{CheckMessage: func(transport, direction string, message []byte) error {
				if direction == "send" && string(message) == `"forbidden"` || name == "contract, answer" && string(message) == `{"n": 1}` {
					return errors.New(transport + " must not " + direction)
				}
				return nil
			}}
			expectFailure(t, replay(t, suite, echoServer(t), "Head.\n"+test.text), test.want)
		})
	}
}

// socketIOServer is npm's own Socket.IO server. It prints its port, and ends when its input does.
const socketIOServer = `
const {Server} = require("socket.io")
const http = require("http").createServer()
const io = new Server(http, {pingInterval: 50, pingTimeout: 2000})
io.use((socket, next) => {
  const error = new Error("Accès refusé")
  error.data = {code: 7}
  next(socket.handshake.auth.token === "t1" ? undefined : error)
})
io.on("connection", socket => {
  socket.emit("hello", socket.handshake.auth.token, socket.handshake.headers["x-who"] ?? null)
  socket.on("join", (room, ack) => { socket.join(room); ack({success: true, room}, 2) })
  socket.on("say", (room, text) => io.to(room).emit("said", {text, at: new Date().toISOString()}))
  socket.on("twice", () => { socket.emit("two", 2); socket.emit("one") })
  socket.on("leave", () => socket.disconnect())
  socket.on("drop", () => socket.conn.close())
})
http.listen(0, "127.0.0.1", () => console.log(http.address().port))
process.stdin.on("end", () => process.exit(0)).resume()
`

func startSocketIO(t *testing.T) *Target {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		Skip(t, "node is not installed")
	}
	modules, err := filepath.Abs("../../node_modules")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(modules, "socket.io")); err != nil {
		Skip(t, "npm's socket.io is not installed: npm ci")
	}
	server := exec.Command(node, "-e", socketIOServer)
	server.Env = append(os.Environ(), "NODE_PATH="+modules)
	server.Stderr = os.Stderr
	input, err := server.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = input.Close()
		if err := server.Wait(); err != nil {
			t.Errorf("node: %v", err)
		}
	})
	port, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		t.Fatalf("node did not print its port: %v", err)
	}
	return &Target{URL: "http://127.0.0.1:" + strings.TrimSpace(port)}
}

func TestSocketIO(t *testing.T) {
	t.Parallel()
	target := startSocketIO(t)
	const ann = "-- ann: connect socketio --\nX-Who: ann\n\n{\"token\": \"t1\"}\n-- ann: expect hello --\n\"<string as token>\"\n\"ann\"\n"
	const ben = "-- ben: connect socketio /socket.io/ --\n\n{\"token\": \"{token}\"}\n-- ben: expect hello --\n\"t1\" null\n"
	t.Run("group", func(t *testing.T) {
		for name, test := range map[string]struct{ text, want string }{
			"broadcast":        {ann + ben + "-- ann: send join --\n\"b\"\n-- ann: ack --\n{\"success\": true, \"room\": \"<string as room>\"} 2\n-- ben: send join --\n\"{room}\"\n-- ben: ack --\n\"<any>\" 2\n-- ben: send say --\n\"b\" \"Salut\"\n-- ann: expect said --\n{\"text\": \"Salut\", \"at\": \"<time as at>\"}\n-- ben: expect --\n[\"said\", {\"text\": \"Salut\", \"at\": \"{at}\"}]\n", ""},
			"other ack":        {ann + "-- ann: send join --\n\"c\"\n-- ann: ack --\n{\"success\": true}\n", "1 elements"},
			"other event":      {ann + "-- ann: send twice --\n-- ann: expect one --\n", `got 2: ["two", 2]`},
			"any order":        {ann + "-- ann: send twice --\n-- ann: expect in any order --\n[\"one\"]\n[\"two\", 2]\n", ""},
			"eventually":       {ann + "-- ann: send twice --\n-- ann: expect eventually one --\n", ""},
			"refused":          {"-- ann: connect socketio --\n\n{\"token\": \"no\"}\n-- ann: expect connect_error --\n{\"message\": \"Accès refusé\", \"data\": {\"code\": 7}}\n", ""},
			"refused, unasked": {"-- ann: connect socketio --\n", "connect_error {\"message\":\"Accès refusé\""},
			"disconnect":       {ann + "-- ann: send leave --\n-- ann: expect disconnect --\n", ""},
			"drop":             {ann + "-- ann: send drop --\n-- ann: expect close --\n", ""},
			"heartbeat":        {ann + "-- ann: expect nothing within 300ms --\n-- ann: send twice --\n-- ann: expect --\n[\"two\", 2]\n[\"one\"]\n", ""},
			"close":            {ann + ben + "-- ann: close --\n-- ben: send twice --\n-- ben: expect two --\n2\n", ""},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				expectFailure(t, replay(t, Suite{}, target, "Head.\n"+test.text), test.want)
			})
		}
	})
}
