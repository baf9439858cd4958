// Package mail sends mails: to files in a directory, which development and small installations read, or to an SMTP server.
//
// Sending is synchronous and may fail; systems send from jobs, which try again. An *Error tells the two kinds of failure
// apart: what a later attempt may cure, and what none will.
package mail

import (
	"context"
	"errors"
	"fmt"
	"io"
	netmail "net/mail"
	"strings"
	"time"
	"unicode"

	gomail "github.com/wneessen/go-mail"
)

// Message is one mail to one person.
type Message struct {
	To      string // a bare address: user@example.com
	Subject string // one line
	Text    string // plain text, lines separated by \n
	HTML    string // the same as HTML; empty for none
	ID      string // optional: the same for every attempt at this mail, so that a receiver may drop a repetition
}

// Mailer sends mails. A nil error means that the mail is the receiver's responsibility now.
type Mailer interface {
	Send(ctx context.Context, m Message) error
}

// Error is a mail that was not sent.
type Error struct {
	permanent bool
	err       error
}

func (e *Error) Error() string { return "mail: " + e.err.Error() }

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.err }

// Permanent reports that trying again is useless: the message is malformed, or the server refused this recipient or this
// content for good (5xx). A server that refuses us, our sender or our password is not permanent: an operator can cure it.
func (e *Error) Permanent() bool { return e.permanent }

// maxLine is how many bytes a line may have before the text is sent encoded (RFC 5322 allows 998).
const maxLine = 900

// writer turns messages into RFC 5322.
type writer struct {
	from   netmail.Address
	now    func() time.Time
	random io.Reader
}

// compose builds the message. prefer is the encoding of texts whose lines are short enough for it.
func (w writer) compose(m Message, prefer gomail.Encoding) (*gomail.Msg, error) {
	to, err := netmail.ParseAddress(m.To)
	if err != nil || to.Name != "" || hasControl(to.Address) {
		return nil, &Error{permanent: true, err: errors.New("the recipient is not a mail address")}
	}
	if hasControl(m.Subject) {
		return nil, &Error{permanent: true, err: errors.New("the subject is more than one line")}
	}
	id, err := w.messageID(m.ID)
	if err != nil {
		return nil, err
	}
	encoding := prefer
	if longestLine(m.Text) > maxLine || longestLine(m.HTML) > maxLine {
		encoding = gomail.EncodingQP
	}
	msg := gomail.NewMsg(gomail.WithCharset(gomail.CharsetUTF8), gomail.WithEncoding(encoding), gomail.WithNoDefaultUserAgent())
	msg.FromMailAddress(&w.from)
	msg.ToMailAddress(&netmail.Address{Address: to.Address})
	msg.Subject(m.Subject)
	msg.SetDateWithValue(w.now())
	msg.SetMessageIDWithValue(id)
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no holiday replies, please
	msg.SetBodyString(gomail.TypeTextPlain, crlf(m.Text))
	if m.HTML != "" {
		msg.AddAlternativeString(gomail.TypeTextHTML, crlf(m.HTML))
	}
	return msg, nil
}

// messageID is id@sender's domain; a random id when none is given.
func (w writer) messageID(id string) (string, error) {
	if id == "" {
		random := make([]byte, 16)
		if _, err := io.ReadFull(w.random, random); err != nil {
			return "", fmt.Errorf("mail: message id: %w", err)
		}
		id = fmt.Sprintf("%x", random)
	}
	if strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("<>@()[]\\,;:\"", r) }) {
		return "", &Error{permanent: true, err: errors.New("the message id has characters that ids do not have")}
	}
	_, domain, _ := strings.Cut(w.from.Address, "@")
	return id + "@" + domain, nil
}

// ParseFrom reads the sender's address: noreply@example.com or The Tip Top <noreply@example.com>.
func ParseFrom(from string) (netmail.Address, error) {
	addr, err := netmail.ParseAddress(from)
	if err != nil || hasControl(addr.Address) || hasControl(addr.Name) {
		return netmail.Address{}, errors.New("must be a mail address such as noreply@example.com or Name <noreply@example.com>")
	}
	return *addr, nil
}

func hasControl(s string) bool { return strings.ContainsFunc(s, unicode.IsControl) }

func longestLine(s string) int {
	longest := 0
	for line := range strings.Lines(s) {
		longest = max(longest, len(line))
	}
	return longest
}

// crlf ends lines as RFC 5322 wants them, however they were ended.
func crlf(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\n", "\r\n")
}
