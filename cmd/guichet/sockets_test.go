//go:build unix

package main

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/guichet-api/guichet/internal/reunion"
	"github.com/guichet-api/guichet/internal/tchatator"
	"github.com/guichet-api/guichet/internal/tickets"
)

// openSockets are sockets of every kind and system that the end of the server is to close.
type openSockets struct {
	web  map[string]*websocket.Conn // by what it is
	text net.Conn
}

// useSockets talks to every live side at its own address and below the portal, and leaves the sockets open.
func useSockets(t *testing.T, s *server) *openSockets {
	open := &openSockets{web: map[string]*websocket.Conn{}}
	open.hearTickets(t, s)
	open.meet(t, s)
	open.chat(t, s)
	metrics := call(t, "GET", s.portal+"/metrics", "", "").text
	for _, want := range []string{
		`guichet_realtime_connections{system="tickets",wire="envelope"} 2`, `guichet_realtime_connections{system="tickets",wire="socketio"} 1`,
		`guichet_realtime_events_sent_total{event="ticket_created",system="tickets"} 3`,
		`guichet_realtime_connections{system="reunion",wire="socketio"} 2`, `guichet_realtime_connections{system="tchatator",wire="command"} 1`,
		`guichet_realtime_connections{system="tchatator",wire="keyvalue"} 1`,
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("/metrics lacks %s", want)
		}
	}
	return open
}

// dial opens a WebSocket at the server's address for it, which begins with http.
func (o *openSockets) dial(t *testing.T, what, address string) *websocket.Conn {
	t.Helper()
	conn, _, err := websocket.Dial(t.Context(), strings.Replace(address, "http", "ws", 1), nil)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	o.web[what] = conn
	return conn
}

// hear reads a socket until a text holds all of these.
func hear(t *testing.T, conn *websocket.Conn, wanted ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		_, text, err := conn.Read(ctx)
		if err != nil {
			t.Fatalf("waiting for %q: %v", wanted, err)
		}
		missing := false
		for _, want := range wanted {
			missing = missing || !strings.Contains(string(text), want)
		}
		if !missing {
			return string(text)
		}
	}
}

func tell(t *testing.T, conn *websocket.Conn, text string) {
	t.Helper()
	if err := conn.Write(t.Context(), websocket.MessageText, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

// hearTickets: whoever changes something at one address is heard at both, and over both wires.
func (o *openSockets) hearTickets(t *testing.T, s *server) {
	account := tickets.DemoAccount()
	token := tokenOf(t, s.tickets, account.Email, account.Password)
	mounted := s.portal + "/tickets"
	for _, address := range []string{s.tickets, mounted} {
		if a := call(t, "GET", address+"/ws/tickets-client", "", ""); a.status != 426 || a.str("message") == "" {
			t.Errorf("no upgrade at %s: %d %s", address, a.status, a.text)
		}
		_, response, err := websocket.Dial(t.Context(), strings.Replace(address, "http", "ws", 1)+"/ws/tickets-client", nil)
		if err == nil || response == nil || response.StatusCode != 401 {
			t.Errorf("no token at %s: %v", address, err)
		}
	}
	own := o.dial(t, "tickets", s.tickets+"/ws/tickets-client?token="+token)
	below := o.dial(t, "tickets below the portal", mounted+"/ws/tickets-client?token="+token)
	for _, conn := range []*websocket.Conn{own, below} {
		tell(t, conn, `{"type":"ping"}`)
		hear(t, conn, `"pong"`)
	}
	npm := o.dial(t, "tickets over Socket.IO", mounted+"/socket.io/?EIO=4&transport=websocket")
	tell(t, npm, `40{"token":"`+token+`"}`)
	hear(t, npm, `40{"sid"`)
	body := `{"titre":"Fuite d'eau","description":"…","priority":"haute","categorie":"travaux"}`
	a := call(t, "POST", mounted+"/api/tickets-client", token, body)
	if a.status != 201 {
		t.Fatalf("create: %d %s", a.status, a.text)
	}
	if first, second := hear(t, own, "ticket_created", a.str("id")), hear(t, below, "ticket_created", a.str("id")); first != second {
		t.Errorf("at its own address %s is heard, below the portal %s", first, second)
	}
	hear(t, npm, `42["ticket_created",`, a.str("id"))
}

// meet: the seller at one address sees the client at the other.
func (o *openSockets) meet(t *testing.T, s *server) {
	account := reunion.DemoAccounts()[0]
	token := tokenOf(t, s.at[reunion.Name], account.Email, account.Password)
	const socket = "/socket.io/?EIO=4&transport=websocket"
	host := o.dial(t, "reunion", s.at[reunion.Name]+socket)
	client := o.dial(t, "reunion below the portal", s.portal+"/reunion"+socket)
	tell(t, host, `40{"token":"`+token+`"}`)
	hear(t, host, `40{"sid"`)
	tell(t, host, `420["join-reunion-host","reunion-123"]`)
	hear(t, host, "reunion-data")
	tell(t, client, `40`)
	hear(t, client, `40{"sid"`)
	tell(t, client, `421["join-reunion-client",{"reunionId":"reunion-123","clientInfo":{"name":"Ada Lovelace"}}]`)
	hear(t, client, "reunion-status")
	hear(t, host, "client-joined", "Ada Lovelace")
	if a := call(t, "GET", s.portal+"/reunion/socket.io/?EIO=4&transport=polling", "", ""); a.status != 200 || !strings.HasPrefix(a.text, `0{"sid"`) {
		t.Errorf("long-polling below the portal: %d %s", a.status, a.text)
	}
}

// chat: what one says as text the other reads as JSON, and the port of the text speaks HTTP too.
func (o *openSockets) chat(t *testing.T, s *server) {
	users := tchatator.DemoUsers()
	professional, member := users[1].Token, users[0].Token
	var err error
	if o.text, err = net.Dial("tcp", strings.TrimPrefix(s.at[tchatator.Name], "http://")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = o.text.Close() })
	if err := o.text.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	say(t, o.text, "LOGIN\napi-token:"+member+"\n", "200/OK\nmessage:Accès autorisé\n")
	say(t, o.text, "SEND_MSG\ntoken:"+member+"\nmessage-length:7\nreceiver-id:2\ncontent:Bonjour\n", "200/OK\nmessage:Message bien reçu et traité\nmessage-id:1\n")

	page := o.dial(t, "tchatator below the portal", s.portal+"/tchatator/")
	tell(t, page, `{"command":"LOGIN","token":"`+professional+`"}`)
	hear(t, page, "Accès autorisé")
	tell(t, page, `{"command":"NEW_CHG_AVAILABLE","token":"`+professional+`"}`)
	hear(t, page, "new_message", "Bonjour")
	for _, address := range []string{s.at[tchatator.Name], s.portal + "/tchatator"} {
		if a := call(t, "GET", address+"/api/messages", professional, ""); a.status != 200 || !strings.Contains(a.text, "Bonjour") {
			t.Errorf("the history at %s: %d %s", address, a.status, a.text)
		}
	}
}

// say sends text over TCP and reads the answer.
func say(t *testing.T, conn net.Conn, command, want string) {
	t.Helper()
	if _, err := io.WriteString(conn, command); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, len(want))
	if n, err := io.ReadFull(conn, answer); err != nil || string(answer) != want {
		t.Fatalf("%q is answered %q, %v; want %q", command, answer[:n], err, want)
	}
}

// ended checks, once the server was told to end, that it takes leave of every socket.
func (o *openSockets) ended(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for what, conn := range o.web {
		for {
			if _, _, err := conn.Read(ctx); err != nil {
				if code := websocket.CloseStatus(err); code != websocket.StatusGoingAway {
					t.Errorf("%s: closed with %d (%v), not 1001", what, code, err)
				}
				break
			}
		}
	}
	if rest, err := io.ReadAll(o.text); err != nil || len(rest) > 0 {
		t.Errorf("the text connection ends with %q, %v", rest, err)
	}
}
