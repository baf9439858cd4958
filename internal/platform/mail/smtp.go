package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	netmail "net/mail"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	gomail "github.com/wneessen/go-mail"

	"github.com/guichet-api/guichet/internal/platform/clock"
)

// Security is how a connection to an SMTP server is encrypted.
type Security string

// The kinds of encryption, as SMTP_URL writes them.
const (
	Implicit      Security = "implicit"      // smtps://: TLS from the first byte
	Required      Security = "required"      // STARTTLS, or no mail
	Opportunistic Security = "opportunistic" // STARTTLS where the server offers it; passwords never go in the clear
	None          Security = "none"          // no encryption, passwords included: for a relay on the same machine
)

// SMTPConfig is an SMTP server and who we are to it.
type SMTPConfig struct {
	Host     string
	Port     int
	Security Security
	User     string // empty: no authentication
	Password string
	From     netmail.Address
	Timeout  time.Duration // for a whole delivery; 0: 30 s
	TLS      *tls.Config   // nil: the system's roots; ServerName is set to Host
	Clock    clock.Clock
	Random   io.Reader // crypto/rand.Reader
}

// ParseURL reads SMTP_URL into Host, Port, Security, User and Password:
//
//	smtp://user:password@host:587?starttls=required|opportunistic|none
//	smtps://user:password@host:465
//
// Ports default to 587 and 465. starttls defaults to required when there is a user, else to opportunistic. Errors complete
// the sentence "SMTP_URL …" and do not quote the password.
func ParseURL(raw string) (SMTPConfig, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" || (u.Scheme != "smtp" && u.Scheme != "smtps") {
		return SMTPConfig{}, errors.New("must look like smtp://user:password@host:587 or smtps://user:password@host:465")
	}
	if u.Path != "" && u.Path != "/" {
		return SMTPConfig{}, fmt.Errorf("has a path, %q, that means nothing", u.Path)
	}
	cfg := SMTPConfig{Host: u.Hostname(), User: u.User.Username(), Security: Opportunistic, Port: 587}
	cfg.Password, _ = u.User.Password()
	if cfg.User != "" {
		cfg.Security = Required
	}
	if u.Scheme == "smtps" {
		cfg.Security, cfg.Port = Implicit, 465
	}
	if port := u.Port(); port != "" {
		if cfg.Port, err = strconv.Atoi(port); err != nil || cfg.Port < 1 || cfg.Port > 65535 {
			return SMTPConfig{}, fmt.Errorf("has no port from 1 to 65535 but %q", port)
		}
	}
	for name, values := range u.Query() {
		value := Security(values[len(values)-1])
		if name != "starttls" {
			return SMTPConfig{}, fmt.Errorf("has a parameter %q; only starttls is known", name)
		}
		if cfg.Security == Implicit {
			return SMTPConfig{}, errors.New("is smtps:// and encrypted from the start: take starttls away")
		}
		if !slices.Contains([]Security{Required, Opportunistic, None}, value) {
			return SMTPConfig{}, fmt.Errorf("has starttls=%s; required, opportunistic and none are known", value)
		}
		cfg.Security = value
	}
	return cfg, nil
}

// SMTP sends mails through a server, on a connection of its own for each.
type SMTP struct {
	cfg    SMTPConfig
	writer writer
}

// NewSMTP makes an SMTP mailer. It does not connect: a server that is down delays mails, not the start.
func NewSMTP(cfg SMTPConfig) (*SMTP, error) {
	if cfg.Host == "" || cfg.Port == 0 || cfg.Security == "" || cfg.From.Address == "" || cfg.Clock == nil || cfg.Random == nil {
		return nil, errors.New("mail.NewSMTP: Host, Port, Security, From, Clock and Random are required")
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = 30 * time.Second
	}
	secure := &tls.Config{MinVersion: tls.VersionTLS12}
	if cfg.TLS != nil {
		secure = cfg.TLS.Clone()
	}
	secure.ServerName = cfg.Host
	cfg.TLS = secure
	s := &SMTP{cfg: cfg, writer: writer{from: cfg.From, now: cfg.Clock.Now, random: cfg.Random}}
	if _, err := s.client(nil); err != nil {
		return nil, fmt.Errorf("mail.NewSMTP: %w", err)
	}
	return s, nil
}

// Send delivers the mail to the server. It returns within the timeout, and at once when ctx ends.
func (s *SMTP) Send(ctx context.Context, m Message) error {
	msg, err := s.writer.compose(m, gomail.EncodingQP)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	line := &line{security: s.cfg.Security, tls: s.cfg.TLS}
	defer line.hangUp()
	defer context.AfterFunc(ctx, line.hangUp)()
	client, err := s.client(line)
	if err != nil {
		return fmt.Errorf("mail.SMTP: %w", err)
	}
	session, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return s.failed(ctx, err)
	}
	err = client.SendWithSMTPClient(session, msg)
	if msg.IsDelivered() {
		// The server has the mail: what goes wrong in saying good-bye must not send it twice.
		_ = client.CloseWithSMTPClient(session)
		return nil
	}
	return s.failed(ctx, err)
}

// client makes go-mail's client for one delivery over the line.
func (s *SMTP) client(line *line) (*gomail.Client, error) {
	policy := map[Security]gomail.TLSPolicy{
		Implicit: gomail.NoTLS, Required: gomail.TLSMandatory, Opportunistic: gomail.TLSOpportunistic, None: gomail.NoTLS,
	}[s.cfg.Security]
	options := []gomail.Option{
		gomail.WithPort(s.cfg.Port),
		gomail.WithTimeout(s.cfg.Timeout + time.Second), // a mere backstop: the context's end comes first
		gomail.WithTLSConfig(s.cfg.TLS),
		gomail.WithTLSPolicy(policy),
		gomail.WithDialContextFunc(line.dial),
	}
	if s.cfg.User != "" {
		options = append(options, gomail.WithUsername(s.cfg.User), gomail.WithPassword(s.cfg.Password), s.auth())
	}
	return gomail.NewClient(s.cfg.Host, options...)
}

// auth picks how we say who we are: the strongest way that the server knows. Over a line that we know to be encrypted, or
// that the operator declared safe, the password itself may be sent.
func (s *SMTP) auth() gomail.Option {
	strong := []gomail.SMTPAuthType{gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthSCRAMSHA1, gomail.SMTPAuthCramMD5}
	switch s.cfg.Security {
	case None:
		return gomail.WithOpportunisticSMTPAuth(append(strong, gomail.SMTPAuthPlainNoEnc, gomail.SMTPAuthLoginNoEnc)...)
	case Implicit:
		return gomail.WithOpportunisticSMTPAuth(append(strong, gomail.SMTPAuthPlain, gomail.SMTPAuthLogin)...)
	default:
		return gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover)
	}
}

// failed tells what a later attempt may cure from what none will.
func (s *SMTP) failed(ctx context.Context, err error) error {
	if cause := ctx.Err(); cause != nil {
		err = fmt.Errorf("%w (%w)", cause, err)
	}
	var refused *gomail.SendError
	permanent := false
	if errors.As(err, &refused) && refused.ErrorCode() >= 500 {
		switch refused.Reason {
		case gomail.ErrSMTPRcptTo, gomail.ErrSMTPData, gomail.ErrSMTPDataClose:
			permanent = !slices.Contains(ourFault, refused.ErrorCode())
		}
	}
	return &Error{permanent: permanent, err: fmt.Errorf("%s: %w", net.JoinHostPort(s.cfg.Host, strconv.Itoa(s.cfg.Port)), err)}
}

// ourFault is the refusals for want of authentication or encryption (RFC 4954), whatever they are said of.
var ourFault = []int{530, 534, 535, 538}

// line is the connection of one delivery. We close it ourselves: go-mail leaves it open when the conversation fails before
// the login is over, and waits for the server when ctx ends.
type line struct {
	security Security
	tls      *tls.Config

	mu     sync.Mutex
	conn   net.Conn
	closed bool
}

func (l *line) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if !l.hold(conn) {
		return nil, net.ErrClosed
	}
	if l.security != Implicit {
		return conn, nil
	}
	secure := tls.Client(conn, l.tls)
	if err := secure.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	return secure, nil
}

// hold keeps the connection for hangUp; false when that came first.
func (l *line) hold(conn net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		_ = conn.Close()
		return false
	}
	l.conn = conn
	return true
}

func (l *line) hangUp() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	if l.conn != nil {
		_ = l.conn.Close()
	}
}
