package mail_test

import (
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"io"
	"net"
	netmail "net/mail"
	"sync"
	"testing"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"github.com/guichet-api/guichet/internal/platform/clock"
	"github.com/guichet-api/guichet/internal/platform/mail"
	"github.com/guichet-api/guichet/internal/testkit"
)

// delivery is one mail that the server took, and how.
type delivery struct {
	from, to string
	data     string
	tls      bool
	user     string
}

// smtpServer is a real SMTP server, user "guichet" and password "s3cret/@".
type smtpServer struct {
	*smtp.Server
	addr  *net.TCPAddr
	roots *tls.Config // trusts the server's certificate

	refuseMail, refuseRcpt, refuseData error // what the server says instead of "250 OK"

	mu         sync.Mutex
	deliveries []delivery
}

// startServer starts a server. configure may change it before it listens; implicit means TLS from the first byte.
func startServer(t *testing.T, implicit bool, configure func(*smtpServer)) *smtpServer {
	t.Helper()
	s := &smtpServer{}
	s.Server = smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) { return &session{server: s, conn: c}, nil }))
	s.Domain, s.AllowInsecureAuth = "localhost", true
	s.ErrorLog = discard{}
	made := testkit.NewCertificate(t)
	s.TLSConfig = &tls.Config{Certificates: []tls.Certificate{made.TLS}}
	s.roots = &tls.Config{RootCAs: made.Roots, MinVersion: tls.VersionTLS12}
	if configure != nil {
		configure(s)
	}
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = listener.Addr().(*net.TCPAddr)
	if implicit {
		listener = tls.NewListener(listener, s.TLSConfig)
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(listener) }()
	t.Cleanup(func() {
		listener.Close()
		s.Close()
		<-done
	})
	return s
}

type discard struct{}

func (discard) Printf(string, ...any) {}
func (discard) Println(...any)        {}

func (s *smtpServer) received() []delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]delivery(nil), s.deliveries...)
}

// mailer is a mailer for this server.
func (s *smtpServer) mailer(t *testing.T, security mail.Security, change func(*mail.SMTPConfig)) *mail.SMTP {
	t.Helper()
	return mailer(t, s.addr, func(cfg *mail.SMTPConfig) {
		cfg.Security, cfg.TLS = security, s.roots
		if change != nil {
			change(cfg)
		}
	})
}

func mailer(t *testing.T, addr *net.TCPAddr, change func(*mail.SMTPConfig)) *mail.SMTP {
	t.Helper()
	cfg := mail.SMTPConfig{
		Host: addr.IP.String(), Port: addr.Port, Security: mail.Opportunistic,
		From:  netmail.Address{Name: "The Tip Top", Address: "noreply@example.com"},
		Clock: clock.NewFake(sent), Random: rand.Reader,
	}
	change(&cfg)
	m, err := mail.NewSMTP(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

type session struct {
	server *smtpServer
	conn   *smtp.Conn
	now    delivery
}

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != "guichet" || password != "s3cret/@" {
			return smtp.ErrAuthFailed
		}
		s.now.user = user
		return nil
	}), nil
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.now.from = from
	return s.server.refuseMail
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.now.to = to
	return s.server.refuseRcpt
}

func (s *session) Data(r io.Reader) error {
	var data bytes.Buffer
	if _, err := data.ReadFrom(r); err != nil {
		return err
	}
	if s.server.refuseData != nil {
		return s.server.refuseData
	}
	s.now.data = data.String()
	_, s.now.tls = s.conn.TLSConnectionState()
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.server.deliveries = append(s.server.deliveries, s.now)
	return nil
}

func (s *session) Reset()        {}
func (s *session) Logout() error { return nil }
