package config_test

import (
	"errors"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/guichet-api/guichet/internal/platform/config"
)

// values reads one variable of every kind.
type values struct {
	String   string
	Secret   string
	Bool     bool
	Int      int
	Duration time.Duration
	Enum     string
	List     []string
	URL      string
	Addr     string
	Zone     string
	Prefixes []netip.Prefix
}

func read(r *config.Reader) values {
	v := values{
		String: r.String("GUICHET_STRING", "default"),
		Secret: string(r.Secret("GUICHET_SECRET", func(b []byte) error {
			if len(b) < 8 {
				return errors.New("is too short")
			}
			return nil
		})),
		Bool:     r.Bool("GUICHET_BOOL", true),
		Int:      r.Int("GUICHET_INT", 40, 1, 1000),
		Duration: r.Duration("GUICHET_DURATION", 30*time.Second, time.Second, time.Hour),
		Enum:     r.Enum("GUICHET_ENUM", "text", "text", "json"),
		List:     r.List("GUICHET_LIST", "a"),
		Addr:     r.Addr("GUICHET_ADDR", "127.0.0.1:8080"),
		Zone:     r.Location("GUICHET_TZ", "Europe/Paris").String(),
		Prefixes: r.Prefixes("GUICHET_PROXIES"),
	}
	if u := r.URL("GUICHET_URL", "http", "https"); u != nil {
		v.URL = u.String()
	}
	return v
}

var defaults = values{
	String: "default", Bool: true, Int: 40, Duration: 30 * time.Second, Enum: "text", List: []string{"a"},
	Addr: "127.0.0.1:8080", Zone: "Europe/Paris",
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	for name, environ := range map[string][]string{
		"unset":       {"PATH=/bin", "HOME"},
		"empty":       {"GUICHET_STRING=", "GUICHET_BOOL=", "GUICHET_INT= ", "GUICHET_URL=", "GUICHET_TZ=", "GUICHET_SECRET="},
		"the last is": {"GUICHET_INT=x", "GUICHET_INT="},
	} {
		r := config.NewReader(environ)
		if got := read(r); !reflect.DeepEqual(got, defaults) {
			t.Errorf("%s: %+v, want %+v", name, got, defaults)
		}
		if err := r.Err(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestValues(t *testing.T) {
	t.Parallel()
	r := config.NewReader([]string{
		"GUICHET_STRING= a = b ", "GUICHET_SECRET=long enough", "GUICHET_BOOL=Off", "GUICHET_INT=1000", "GUICHET_DURATION=1h",
		"GUICHET_ENUM=json", "GUICHET_LIST= x ,, y,", "GUICHET_URL=https://u:p@h/x", "GUICHET_ADDR=[::1]:0",
		"GUICHET_TZ=America/Cayenne", "GUICHET_PROXIES=10.1.2.3/8, 192.0.2.7, fd00::1, ::ffff:192.0.2.8",
	})
	want := values{
		String: "a = b", Secret: "long enough", Int: 1000, Duration: time.Hour, Enum: "json", List: []string{"x", "y"},
		URL: "https://u:p@h/x", Addr: "[::1]:0", Zone: "America/Cayenne",
		Prefixes: []netip.Prefix{
			netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.7/32"), netip.MustParsePrefix("fd00::1/128"),
			netip.MustParsePrefix("192.0.2.8/32"),
		},
	}
	if got := read(r); !reflect.DeepEqual(got, want) {
		t.Errorf("read %+v, want %+v", got, want)
	}
	if err := r.Err(); err != nil {
		t.Error(err)
	}
}

func TestBoolWords(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]bool{
		"true": true, "1": true, "yes": true, "on": true, "TRUE": true,
		"false": false, "0": false, "no": false, "off": false, "No": false,
	} {
		r := config.NewReader([]string{"GUICHET_BOOL=" + word})
		if got := r.Bool("GUICHET_BOOL", !want); got != want || r.Err() != nil {
			t.Errorf("%s: %v, %v", word, got, r.Err())
		}
	}
}

// Every mistake is told, in the order of asking, the unknown variables last; the values are the defaults.
func TestAllMistakesAtOnce(t *testing.T) {
	t.Parallel()
	r := config.NewReader([]string{
		"GUICHET_SECRET=hunter2", "GUICHET_BOOL=maybe", "GUICHET_INT=1001", "GUICHET_DURATION=90", "GUICHET_ENUM=JSON",
		"GUICHET_URL=ftp://root:hunter2@h/x", "GUICHET_ADDR=localhost", "GUICHET_TZ=Paris", "GUICHET_PROXIES=10.0.0.0/8,all,::/x",
		"GUICHET_STIRNG=x", "GUICHET_ZZZZZZZZZZ=x", "OTHER=x",
	})
	if got := read(r); !reflect.DeepEqual(got.Prefixes, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}) || got.Int != 40 ||
		got.Addr != defaults.Addr || got.Zone != defaults.Zone || got.URL != "" || got.Secret != "" {
		t.Errorf("read %+v", got)
	}
	r.Mistake("GUICHET_MAIL_FROM", "is required when %s is set", "SMTP_URL")
	err := r.Err()
	var all *config.Error
	if !errors.As(err, &all) {
		t.Fatalf("Err = %v", err)
	}
	want := []string{
		"GUICHET_SECRET is too short",
		`GUICHET_BOOL must be true or false, not "maybe"`,
		`GUICHET_INT must be a number from 1 to 1000, not "1001"`,
		`GUICHET_DURATION must be a duration from 1s to 1h0m0s such as 90s, 15m or 1h30m, not "90"`,
		`GUICHET_ENUM must be one of text, json, not "JSON"`,
		`GUICHET_ADDR must be an address such as 127.0.0.1:8080, not "localhost": missing port in address`,
		`GUICHET_TZ must be the name of a time zone such as Europe/Paris, not "Paris"`,
		`GUICHET_PROXIES must list addresses and networks such as 10.0.0.0/8, not "all"`,
		`GUICHET_PROXIES must list addresses and networks such as 10.0.0.0/8, not "::/x"`,
		"GUICHET_URL must be a URL that begins with http:// or https://",
		"GUICHET_MAIL_FROM is required when SMTP_URL is set",
		"GUICHET_STIRNG is not a variable of this program: did you mean GUICHET_STRING?",
		"GUICHET_ZZZZZZZZZZ is not a variable of this program",
	}
	if !slices.Equal(all.Mistakes, want) {
		t.Errorf("mistakes:\n%s\nwant:\n%s", strings.Join(all.Mistakes, "\n"), strings.Join(want, "\n"))
	}
	if !strings.HasPrefix(err.Error(), "the configuration has 13 mistakes:\n  GUICHET_SECRET is too short\n  GUICHET_BOOL") {
		t.Errorf("message:\n%v", err)
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("the message shows a secret:\n%v", err)
	}
}

func TestOneMistake(t *testing.T) {
	t.Parallel()
	r := config.NewReader([]string{"GUICHET_REQUIRE_ALL=1", "GUICHET_X=1"})
	r.Known("GUICHET_REQUIRE_ALL")
	err := r.Err()
	if want := "the configuration has a mistake:\n  GUICHET_X is not a variable of this program"; err == nil || err.Error() != want {
		t.Errorf("Err = %v, want %s", err, want)
	}
}

func TestAddr(t *testing.T) {
	t.Parallel()
	for value, ok := range map[string]bool{
		":8080": true, "0.0.0.0:80": true, "example.com:443": true, "[::1]:65535": true, "[fe80::1%eth0]:80": true,
		"8080": false, "localhost:": false, "localhost:http": false, "localhost:65536": false, "::1:80": false,
		"http://localhost:80": false, "a b:80": false, "localhost:-1": false,
	} {
		r := config.NewReader([]string{"GUICHET_ADDR=" + value})
		if got := r.Addr("GUICHET_ADDR", ":1"); (got == value) != ok || (r.Err() == nil) != ok {
			t.Errorf("%s: %q, %v; want accepted = %v", value, got, r.Err(), ok)
		}
	}
}

func TestURL(t *testing.T) {
	t.Parallel()
	for value, ok := range map[string]bool{
		"https://example.com/a": true, "http://localhost:80": true,
		"https:///a": false, "https:example.com": false, "example.com": false, "ftp://example.com": false, "http://[::1": false,
	} {
		r := config.NewReader([]string{"GUICHET_URL=" + value})
		u := r.URL("GUICHET_URL", "http", "https")
		if (u != nil && u.String() == value) != ok || (r.Err() == nil) != ok {
			t.Errorf("%s: %v, %v; want accepted = %v", value, u, r.Err(), ok)
		}
	}
}

func TestLocation(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"Local", "Europe/Atlantis", "../etc/passwd", "+01:00"} {
		r := config.NewReader([]string{"GUICHET_TZ=" + bad})
		if zone := r.Location("GUICHET_TZ", "Europe/Paris"); zone.String() != "Europe/Paris" || r.Err() == nil {
			t.Errorf("%s: %v, %v", bad, zone, r.Err())
		}
	}
}

func TestDidYouMean(t *testing.T) {
	t.Parallel()
	r := config.NewReader([]string{
		"GUICHET_TIPTOP_ADR=x", "GUICHET_TIP_TOP_ADDR=x", "GUICHET_TICKETS_ADRD=x", "GUICHET_TZZ=x", "GUICHET_Q=x", "GUICHET_ZT=x",
	})
	for _, name := range []string{"GUICHET_TIPTOP_ADDR", "GUICHET_TICKETS_ADDR", "GUICHET_TZ"} {
		r.String(name, "")
	}
	want := []string{
		"GUICHET_Q is not a variable of this program",
		"GUICHET_TICKETS_ADRD is not a variable of this program: did you mean GUICHET_TICKETS_ADDR?",
		"GUICHET_TIPTOP_ADR is not a variable of this program: did you mean GUICHET_TIPTOP_ADDR?",
		"GUICHET_TIP_TOP_ADDR is not a variable of this program: did you mean GUICHET_TIPTOP_ADDR?",
		"GUICHET_TZZ is not a variable of this program: did you mean GUICHET_TZ?",
		"GUICHET_ZT is not a variable of this program: did you mean GUICHET_TZ?",
	}
	if got := r.Unknown(); !slices.Equal(got, want) {
		t.Errorf("Unknown:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestJoin(t *testing.T) {
	t.Parallel()
	one, two, other := &config.Error{Mistakes: []string{"A is wrong"}}, &config.Error{Mistakes: []string{"B is wrong"}}, errors.New("other")
	if err := config.Join(nil, nil); err != nil {
		t.Errorf("of nothing: %v", err)
	}
	if err := config.Join(one, nil, two); err == nil || err.Error() != "the configuration has 2 mistakes:\n  A is wrong\n  B is wrong" {
		t.Errorf("of two: %v", err)
	}
	if err := config.Join(one, other); !errors.Is(err, other) {
		t.Errorf("with another kind: %v", err)
	}
}
