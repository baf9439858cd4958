// Package config reads a program's environment once and collects every mistake in it, so that an operator corrects them all
// at once instead of one per start.
//
// Each getter names a variable and the value that holds when it is unset or empty. A wrong value is noted, and the getter
// answers the default, so that reading goes on. When everything was asked for, Err tells all mistakes, variables with the
// program's prefix that nobody asked for included: they are most likely misspelt. Only the command reads os.Environ; the
// packages below get plain Config structs.
package config

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // Location works on machines without a zone database
)

// Prefix is what the program's own variables begin with. DATABASE_URL and the like are shared with other programs.
const Prefix = "GUICHET_"

// Error is a configuration that cannot be started with.
type Error struct {
	Mistakes []string // each begins with the variable's name
}

func (e *Error) Error() string {
	if len(e.Mistakes) == 1 {
		return "the configuration has a mistake:\n  " + e.Mistakes[0]
	}
	return fmt.Sprintf("the configuration has %d mistakes:\n  %s", len(e.Mistakes), strings.Join(e.Mistakes, "\n  "))
}

// Join is one *Error with the mistakes of several, in their order; nil when all are nil. An error of another kind wins.
func Join(errs ...error) error {
	var all Error
	for _, err := range errs {
		var wrong *Error
		switch {
		case errors.As(err, &wrong):
			all.Mistakes = append(all.Mistakes, wrong.Mistakes...)
		case err != nil:
			return err
		}
	}
	if len(all.Mistakes) == 0 {
		return nil
	}
	return &all
}

// Reader reads variables and remembers what was wrong with them. It is for one goroutine.
type Reader struct {
	values   map[string]string
	asked    map[string]bool
	mistakes []string
}

// NewReader reads from an environment in the form of os.Environ. Empty variables count as unset; of one that is given twice
// the last counts.
func NewReader(environ []string) *Reader {
	r := &Reader{values: make(map[string]string, len(environ)), asked: map[string]bool{}}
	for _, pair := range environ {
		if name, value, ok := strings.Cut(pair, "="); ok {
			r.values[name] = value
		}
	}
	return r
}

// Lookup is a variable's value and whether it is set, for kinds of values that have no getter. What is wrong with it goes to
// Mistake.
func (r *Reader) Lookup(name string) (string, bool) {
	r.asked[name] = true
	value := strings.TrimSpace(r.values[name])
	return value, value != ""
}

// Known says that a variable is somebody else's to read (a test runner's, say) and no mistake.
func (r *Reader) Known(names ...string) {
	for _, name := range names {
		r.asked[name] = true
	}
}

// Mistake notes what is wrong with a variable. The text follows the name: "must be …", "is required when …".
func (r *Reader) Mistake(name, format string, args ...any) {
	r.mistakes = append(r.mistakes, name+" "+fmt.Sprintf(format, args...))
}

// Unknown lists the variables with the program's prefix that nobody asked for, each with its likely correction.
func (r *Reader) Unknown() []string {
	var unknown []string
	for _, name := range slices.Sorted(maps.Keys(r.values)) {
		if !strings.HasPrefix(name, Prefix) || r.asked[name] {
			continue
		}
		text := name + " is not a variable of this program"
		if near := r.nearest(name); near != "" {
			text += ": did you mean " + near + "?"
		}
		unknown = append(unknown, text)
	}
	return unknown
}

// Err is nil, or an *Error with every mistake. Call it when everything was asked for.
func (r *Reader) Err() error {
	mistakes := append(slices.Clone(r.mistakes), r.Unknown()...)
	if len(mistakes) == 0 {
		return nil
	}
	return &Error{Mistakes: mistakes}
}

// String is any text.
func (r *Reader) String(name, fallback string) string {
	if value, ok := r.Lookup(name); ok {
		return value
	}
	return fallback
}

// Secret is a text that no message ever shows; nil when unset. check, which may be nil, says what is wrong with it without
// quoting it.
func (r *Reader) Secret(name string, check func([]byte) error) []byte {
	value, ok := r.Lookup(name)
	if !ok {
		return nil
	}
	if check != nil {
		if err := check([]byte(value)); err != nil {
			r.Mistake(name, "%v", err)
			return nil
		}
	}
	return []byte(value)
}

// Bool is true, 1, yes or on, or false, 0, no or off, in any case.
func (r *Reader) Bool(name string, fallback bool) bool {
	value, ok := r.Lookup(name)
	if !ok {
		return fallback
	}
	switch strings.ToLower(value) {
	case "true", "1", "yes", "on":
		return true
	case "false", "0", "no", "off":
		return false
	}
	r.Mistake(name, "must be true or false, not %q", value)
	return fallback
}

// Int is a decimal number from least to most.
func (r *Reader) Int(name string, fallback, least, most int) int {
	value, ok := r.Lookup(name)
	if !ok {
		return fallback
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < least || n > most {
		r.Mistake(name, "must be a number from %d to %d, not %q", least, most, value)
		return fallback
	}
	return n
}

// Duration is a time span such as 90s, 15m or 1h30m, from least to most.
func (r *Reader) Duration(name string, fallback, least, most time.Duration) time.Duration {
	value, ok := r.Lookup(name)
	if !ok {
		return fallback
	}
	d, err := time.ParseDuration(value)
	if err != nil || d < least || d > most {
		r.Mistake(name, "must be a duration from %v to %v such as 90s, 15m or 1h30m, not %q", least, most, value)
		return fallback
	}
	return d
}

// Enum is one of a few words.
func (r *Reader) Enum(name, fallback string, words ...string) string {
	value, ok := r.Lookup(name)
	if !ok {
		return fallback
	}
	if !slices.Contains(words, value) {
		r.Mistake(name, "must be one of %s, not %q", strings.Join(words, ", "), value)
		return fallback
	}
	return value
}

// List is texts separated by commas; blanks around them and empty ones do not count.
func (r *Reader) List(name string, fallback ...string) []string {
	value, ok := r.Lookup(name)
	if !ok {
		return fallback
	}
	var list []string
	for item := range strings.SplitSeq(value, ",") {
		if item = strings.TrimSpace(item); item != "" {
			list = append(list, item)
		}
	}
	return list
}

// URL is an absolute URL with a host and one of the schemes, nil when unset. Messages do not quote it: it may hold a
// password. (A DATABASE_URL may name its host elsewhere, or be no URL: take it by Lookup.)
func (r *Reader) URL(name string, schemes ...string) *url.URL {
	value, ok := r.Lookup(name)
	if !ok {
		return nil
	}
	u, err := url.Parse(value)
	if err != nil || u.Host == "" || !slices.Contains(schemes, u.Scheme) {
		r.Mistake(name, "must be a URL that begins with %s://", strings.Join(schemes, ":// or "))
		return nil
	}
	return u
}

// Addr is a host and port to listen on: 127.0.0.1:8080, [::1]:8080, :8080 for every interface, port 0 for a free one.
func (r *Reader) Addr(name, fallback string) string {
	value, ok := r.Lookup(name)
	if !ok {
		return fallback
	}
	if err := checkAddr(value); err != nil {
		r.Mistake(name, "must be an address such as %s, not %q: %v", fallback, value, err)
		return fallback
	}
	return value
}

func checkAddr(value string) error {
	host, port, err := net.SplitHostPort(value)
	if err != nil {
		var addrErr *net.AddrError
		if errors.As(err, &addrErr) {
			return errors.New(addrErr.Err)
		}
		return err
	}
	if strings.ContainsAny(host, " /@") {
		return fmt.Errorf("%q is no host", host)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return errors.New("the port must be a number from 0 to 65535")
	}
	return nil
}

// Location is a time zone's name, such as Europe/Paris.
func (r *Reader) Location(name, fallback string) *time.Location {
	value, ok := r.Lookup(name)
	if ok {
		if zone, err := time.LoadLocation(value); err == nil && value != "Local" {
			return zone
		}
		r.Mistake(name, "must be the name of a time zone such as %s, not %q", fallback, value)
	}
	zone, err := time.LoadLocation(fallback)
	if err != nil {
		panic("config.Location: " + err.Error())
	}
	return zone
}

// Prefixes is networks and addresses separated by commas: 10.0.0.0/8, 192.0.2.7, fd00::/8.
func (r *Reader) Prefixes(name string) []netip.Prefix {
	var prefixes []netip.Prefix
	for _, item := range r.List(name) {
		if addr, err := netip.ParseAddr(item); err == nil && addr.Zone() == "" {
			prefixes = append(prefixes, netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen()))
			continue
		}
		prefix, err := netip.ParsePrefix(item)
		if err != nil {
			r.Mistake(name, "must list addresses and networks such as 10.0.0.0/8, not %q", item)
			continue
		}
		prefixes = append(prefixes, prefix.Masked())
	}
	return prefixes
}
