package mail_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/guichet-api/guichet/internal/platform/mail"
)

var message = mail.Message{
	To: "user@example.com", Subject: "Vérifiez votre e-mail",
	Text: "Bonjour Zoé,\n\nhttps://example.com/verify?token=" + strings.Repeat("a", 64) + "\n", ID: "verify-1",
}

func login(user, password string) func(*mail.SMTPConfig) {
	return func(cfg *mail.SMTPConfig) { cfg.User, cfg.Password = user, password }
}

func TestSMTPDelivers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		security mail.Security
		server   func(*smtpServer)
		change   func(*mail.SMTPConfig)
		wantTLS  bool
		wantUser string
	}{
		"STARTTLS required":             {security: mail.Required, wantTLS: true},
		"STARTTLS and a login":          {security: mail.Required, change: login("guichet", "s3cret/@"), wantTLS: true, wantUser: "guichet"},
		"STARTTLS offered":              {security: mail.Opportunistic, wantTLS: true},
		"STARTTLS offered, and a login": {security: mail.Opportunistic, change: login("guichet", "s3cret/@"), wantTLS: true, wantUser: "guichet"},
		"STARTTLS not offered":          {security: mail.Opportunistic, server: func(s *smtpServer) { s.TLSConfig = nil }},
		"TLS from the start":            {security: mail.Implicit, wantTLS: true},
		"TLS and a login":               {security: mail.Implicit, change: login("guichet", "s3cret/@"), wantTLS: true, wantUser: "guichet"},
		"in the clear":                  {security: mail.None},
		"in the clear, and a login":     {security: mail.None, change: login("guichet", "s3cret/@"), wantUser: "guichet"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := startServer(t, c.security == mail.Implicit, c.server)
			m := server.mailer(t, c.security, c.change)
			if err := m.Send(t.Context(), message); err != nil {
				t.Fatal(err)
			}
			got := server.received()
			if len(got) != 1 {
				t.Fatalf("%d mails arrived, want 1", len(got))
			}
			text := parse(t, got[0].data)
			got[0].data = ""
			want := delivery{from: "noreply@example.com", to: "user@example.com", tls: c.wantTLS, user: c.wantUser}
			if got[0] != want {
				t.Errorf("arrived %+v, want %+v", got[0], want)
			}
			wantMail := letter{
				from: `"The Tip Top" <noreply@example.com>`, to: "<user@example.com>", subject: message.Subject, text: message.Text,
				date: sent, id: "<verify-1@example.com>", auto: "auto-generated",
			}
			if !reflect.DeepEqual(text, wantMail) {
				t.Errorf("arrived %+v, want %+v", text, wantMail)
			}
		})
	}
}

// What a later attempt may cure is not permanent; what none will cure is.
func TestSMTPRefusals(t *testing.T) {
	t.Parallel()
	code := func(code int, text string) error { return &smtp.SMTPError{Code: code, Message: text} }
	for name, c := range map[string]struct {
		security  mail.Security
		server    func(*smtpServer)
		change    func(*mail.SMTPConfig)
		permanent bool
		want      string
	}{
		"mailbox busy":       {server: func(s *smtpServer) { s.refuseRcpt = code(450, "busy") }, want: "busy"},
		"no such mailbox":    {server: func(s *smtpServer) { s.refuseRcpt = code(550, "no such user") }, permanent: true, want: "no such user"},
		"login wanted":       {server: func(s *smtpServer) { s.refuseRcpt = code(530, "log in") }, want: "log in"},
		"sender refused":     {server: func(s *smtpServer) { s.refuseMail = code(553, "not you") }, want: "not you"},
		"content refused":    {server: func(s *smtpServer) { s.refuseData = code(554, "spam") }, permanent: true, want: "spam"},
		"content, later":     {server: func(s *smtpServer) { s.refuseData = code(452, "disk full") }, want: "disk full"},
		"wrong password":     {change: login("guichet", "hunter2"), want: "AUTH"},
		"no STARTTLS there":  {server: func(s *smtpServer) { s.TLSConfig = nil }, want: "STARTTLS"},
		"unknown issuer":     {change: func(cfg *mail.SMTPConfig) { cfg.TLS = nil }, want: "certificate"},
		"another host's":     {change: func(cfg *mail.SMTPConfig) { cfg.Host = "localhost" }, want: "certificate"},
		"password in clear":  {security: mail.Opportunistic, server: func(s *smtpServer) { s.TLSConfig = nil }, change: login("guichet", "s3cret/@"), want: "auth"},
		"TLS where there is": {security: mail.Implicit, want: "tls"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := startServer(t, false, c.server)
			if c.security == "" {
				c.security = mail.Required
			}
			err := server.mailer(t, c.security, c.change).Send(t.Context(), message)
			mustFail(t, err, c.permanent, c.want)
			for _, secret := range []string{"hunter2", "s3cret/@", "aaaaaaaa"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("the error shows %q: %v", secret, err)
				}
			}
			if got := server.received(); len(got) != 0 {
				t.Errorf("arrived all the same: %+v", got)
			}
		})
	}
}

func mustFail(t *testing.T, err error, permanent bool, want string) {
	t.Helper()
	var failure *mail.Error
	if !errors.As(err, &failure) {
		t.Fatalf("Send: %v; want a *mail.Error", err)
	}
	if failure.Permanent() != permanent {
		t.Errorf("Permanent = %v, want %v: %v", failure.Permanent(), permanent, err)
	}
	if !strings.Contains(strings.ToLower(err.Error()), strings.ToLower(want)) {
		t.Errorf("error %v does not tell %q", err, want)
	}
}

// listen takes connections and hands each to a server of the test's own.
func listen(t *testing.T, serve func(net.Conn)) *net.TCPAddr {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go serve(conn)
		}
	}()
	return listener.Addr().(*net.TCPAddr)
}

// A server that says nothing, and one that falls silent in the middle: the timeout and the context both end the wait, and
// the connection is closed.
func TestSMTPHangs(t *testing.T) {
	t.Parallel()
	for name, greeting := range map[string]string{
		"says nothing":     "",
		"greets and stops": "220 localhost ESMTP\r\n",
		"stops in a line":  "220-localhost",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			accepted, closed := make(chan struct{}, 2), make(chan struct{}, 2)
			addr := listen(t, func(conn net.Conn) {
				defer conn.Close()
				_, _ = io.WriteString(conn, greeting)
				accepted <- struct{}{}
				_, _ = io.Copy(io.Discard, conn)
				closed <- struct{}{}
			})
			err := mailer(t, addr, func(cfg *mail.SMTPConfig) { cfg.Timeout = 50 * time.Millisecond }).Send(t.Context(), message)
			mustFail(t, err, false, "deadline exceeded")
			<-closed

			<-accepted
			ctx, cancel := context.WithCancel(t.Context())
			go func() { <-accepted; cancel() }()
			err = mailer(t, addr, func(cfg *mail.SMTPConfig) { cfg.Timeout = time.Hour }).Send(ctx, message)
			mustFail(t, err, false, "context canceled")
			<-closed
		})
	}
}

func TestSMTPServerDown(t *testing.T) {
	t.Parallel()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	m := mailer(t, listener.Addr().(*net.TCPAddr), func(*mail.SMTPConfig) {})
	mustFail(t, m.Send(t.Context(), message), false, "refused")
}

// The server takes the mail and dies before it can be told good-bye: the mail counts as sent, or it would be sent twice.
func TestSMTPGoodbyeDoesNotMatter(t *testing.T) {
	t.Parallel()
	addr := listen(t, func(conn net.Conn) {
		defer conn.Close()
		script := []struct{ expect, answer string }{
			{"EHLO", "250 localhost"}, {"NOOP", "250 OK"}, {"MAIL", "250 OK"}, {"RCPT", "250 OK"}, {"DATA", "354 go on"}, {"\r\n.\r\n", "250 taken"},
		}
		fmt.Fprint(conn, "220 localhost\r\n")
		buffer := make([]byte, 0, 8192)
		for _, step := range script {
			for !strings.Contains(string(buffer), step.expect) {
				n, err := conn.Read(buffer[len(buffer):cap(buffer)])
				if err != nil {
					return
				}
				buffer = buffer[:len(buffer)+n]
			}
			if step.expect != "\r\n.\r\n" {
				buffer = buffer[:0]
			}
			fmt.Fprint(conn, step.answer+"\r\n")
		}
	})
	if err := mailer(t, addr, func(*mail.SMTPConfig) {}).Send(t.Context(), message); err != nil {
		t.Errorf("Send: %v", err)
	}
}

func TestParseURL(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]mail.SMTPConfig{
		"smtp://mail.example.com":                       {Host: "mail.example.com", Port: 587, Security: mail.Opportunistic},
		"smtp://localhost:25?starttls=none":             {Host: "localhost", Port: 25, Security: mail.None},
		"smtp://u:p%2F%40@mail.example.com":             {Host: "mail.example.com", Port: 587, Security: mail.Required, User: "u", Password: "p/@"},
		"smtp://u:p@[::1]:2525/?starttls=opportunistic": {Host: "::1", Port: 2525, Security: mail.Opportunistic, User: "u", Password: "p"},
		"smtp://mail.example.com?starttls=required":     {Host: "mail.example.com", Port: 587, Security: mail.Required},
		"smtps://u:p@mail.example.com":                  {Host: "mail.example.com", Port: 465, Security: mail.Implicit, User: "u", Password: "p"},
	} {
		got, err := mail.ParseURL(raw)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("ParseURL(%s) = %+v, %v; want %+v", raw, got, err, want)
		}
	}
	for raw, want := range map[string]string{
		"":                            "must look like",
		"mail.example.com:587":        "must look like",
		"http://mail.example.com":     "must look like",
		"smtp://":                     "must look like",
		"smtp://u:hunter2@h:x":        "must look like",
		"smtp://u:hunter2@h:0":        "no port",
		"smtp://u:hunter2@h:70000":    "no port",
		"smtp://u:hunter2@h/inbox":    "path",
		"smtp://u:hunter2@h?tls=1":    `"tls"`,
		"smtp://h?starttls=yes":       "starttls=yes",
		"smtp://h?starttls=implicit":  "starttls=implicit",
		"smtps://h?starttls=required": "take starttls away",
	} {
		_, err := mail.ParseURL(raw)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("ParseURL(%s): %v; want %q", raw, err, want)
		}
	}
}

func TestNewSMTPRefuses(t *testing.T) {
	t.Parallel()
	if _, err := mail.NewSMTP(mail.SMTPConfig{Host: "localhost"}); err == nil {
		t.Error("a server without port, sender and clock is accepted")
	}
}
