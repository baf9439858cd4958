package main

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/guichet-api/guichet/internal/platform/config"
	"github.com/guichet-api/guichet/internal/tchatator"
)

// tchatatorSettings are the chat's own.
type tchatatorSettings struct {
	tchatator.Config
	logFile string // besides the log of the house; empty: none
	port    int    // of the settings file; 0: it names none
}

// tchatatorConfig names the settings file; `guichet serve -c PATH` sets it.
const tchatatorConfig = "GUICHET_TCHATATOR_CONFIG"

// The document's defaults.
const (
	defaultBlockFor    = 24 * time.Hour
	defaultPerMinute   = 12
	defaultPerHour     = 90
	defaultMaxLength   = 1000
	defaultPageSize    = 20
	longestBlock       = 10 * 365 * 24 * time.Hour
	tchatatorBlockFor  = "GUICHET_TCHATATOR_BLOCK_DURATION"
	tchatatorPerMinute = "GUICHET_TCHATATOR_MAX_PER_MINUTE"
	tchatatorPerHour   = "GUICHET_TCHATATOR_MAX_PER_HOUR"
	tchatatorMaxLength = "GUICHET_TCHATATOR_MAX_LENGTH"
	tchatatorPageSize  = "GUICHET_TCHATATOR_PAGE_SIZE"
	tchatatorAdmin     = "GUICHET_TCHATATOR_ADMIN_TOKEN"
	tchatatorLogFile   = "GUICHET_TCHATATOR_LOG_FILE"
)

func tchatatorOwn() ownSettings {
	return ownSettings{
		variables: []variable{
			{tchatatorConfig, "none", "settings file with the document's names, as serve -c; the variables below override it"},
			{tchatatorPerMinute, "12", "max-messages-per-minutes: messages of a user in any minute; 0: any number"},
			{tchatatorPerHour, "90", "max-messages-per-hours: the same for an hour"},
			{tchatatorMaxLength, "1000", "max-message-length: characters of a message"},
			{tchatatorPageSize, "20", "max-message-reception-block: messages to a page of the history"},
			{tchatatorBlockFor, "24h", "block-cli-duration: how long a block holds"},
			{tchatatorAdmin, "none", "admin-api-token: API token of an administrator, 32 to 256 characters"},
			{tchatatorLogFile, "none", "log-file: who comes, goes, is refused, blocked and banned is written there too"},
		},
		read: func(r *config.Reader) any { return readTchatator(r) },
		addr: func(own any, fallback string) string {
			host, _, err := net.SplitHostPort(fallback)
			if port := own.(tchatatorSettings).port; err == nil && port > 0 {
				return net.JoinHostPort(host, strconv.Itoa(port))
			}
			return fallback
		},
	}
}

// readTchatator reads the settings file, if one is named, and then the variables that override it.
func readTchatator(r *config.Reader) tchatatorSettings {
	file := readSettingsFile(r)
	s := tchatatorSettings{port: file.Int("port", 0, 0, 65535)}
	number := func(variable, name string, fallback, least, most int) int {
		return r.Int(variable, file.Int(name, fallback, least, most), least, most)
	}
	s.PerMinute = number(tchatatorPerMinute, "max-messages-per-minutes", defaultPerMinute, 0, tchatator.MaxRate)
	s.PerHour = number(tchatatorPerHour, "max-messages-per-hours", defaultPerHour, 0, tchatator.MaxRate)
	s.MaxLength = number(tchatatorMaxLength, "max-message-length", defaultMaxLength, 1, tchatator.MaxMessageLength)
	s.PageSize = number(tchatatorPageSize, "max-message-reception-block", defaultPageSize, 1, tchatator.MaxPageSize)
	s.BlockFor = r.Duration(tchatatorBlockFor, file.Duration("block-cli-duration", defaultBlockFor, time.Second, longestBlock), time.Second, longestBlock)
	s.logFile = r.String(tchatatorLogFile, file.String("log-file", ""))
	s.AdminToken = string(file.Secret("admin-api-token", checkAdminToken))
	if token := r.Secret(tchatatorAdmin, checkAdminToken); token != nil {
		s.AdminToken = string(token)
	}
	if wrong := (*config.Error)(nil); errors.As(file.Err(), &wrong) {
		for _, mistake := range wrong.Mistakes {
			r.Mistake(tchatatorConfig, "names a file with a mistake: %s", mistake)
		}
	}
	return s
}

func checkAdminToken(token []byte) error {
	if n := len(token); n < tchatator.MinTokenLength || n > tchatator.MaxTokenLength {
		return fmt.Errorf("must have from %d to %d characters, not %d", tchatator.MinTokenLength, tchatator.MaxTokenLength, n)
	}
	if strings.ContainsFunc(string(token), func(c rune) bool { return c <= ' ' || c > '~' }) {
		return errors.New("must consist of ASCII characters other than blanks")
	}
	return nil
}

// settingNames are the document's.
var settingNames = []string{
	"port", "log-file", "block-cli-duration", "max-messages-per-minutes", "max-messages-per-hours", "max-message-length",
	"max-message-reception-block", "admin-api-token",
}

// readSettingsFile reads lines such as "port: 4242" or "port = 4242"; # begins a comment at the start of a
// line and after a blank, outside quotes. It answers a reader of the names as
// if they were variables.
func readSettingsFile(r *config.Reader) *config.Reader {
	path := r.String(tchatatorConfig, "")
	if path == "" {
		return config.NewReader(nil)
	}
	file, err := os.Open(path)
	if err != nil {
		r.Mistake(tchatatorConfig, "cannot be read: %v", err)
		return config.NewReader(nil)
	}
	defer func() { _ = file.Close() }()
	var values []string
	seen := map[string]bool{}
	lines := bufio.NewScanner(file)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(withoutComment(lines.Text()))
		if line == "" {
			continue
		}
		name, value, err := parseSetting(line)
		if err == nil && seen[name] {
			err = fmt.Errorf("%s is set twice", name)
		}
		if err != nil {
			r.Mistake(tchatatorConfig, "names a file with a mistake in line %d: %v", n, err)
			continue
		}
		seen[name] = true
		values = append(values, name+"="+value)
	}
	if err := lines.Err(); err != nil {
		r.Mistake(tchatatorConfig, "cannot be read: %v", err)
	}
	return config.NewReader(values)
}

// withoutComment is a line up to its comment.
func withoutComment(line string) string {
	var quote, before rune = 0, ' '
	for i, c := range line {
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '#' && (before == ' ' || before == '\t'):
			return line[:i]
		case c == '"' || c == '\'':
			quote = c
		}
		before = c
	}
	return line
}

// parseSetting takes a line apart. A duration without unit is in hours, and may have a blank before its unit: 24, 24 h, 24h.
func parseSetting(line string) (name, value string, err error) {
	i := strings.IndexAny(line, ":= \t")
	if i < 0 {
		return "", "", fmt.Errorf("%q has no value", line)
	}
	name = line[:i]
	value = strings.TrimSpace(strings.TrimPrefix(strings.TrimPrefix(strings.TrimSpace(line[i:]), ":"), "="))
	value = strings.Trim(value, `"'`)
	if !slices.Contains(settingNames, name) {
		return "", "", fmt.Errorf("there is no setting %q; there are %s", name, strings.Join(settingNames, ", "))
	}
	if name == "block-cli-duration" {
		value = strings.ReplaceAll(value, " ", "")
		if _, err := strconv.Atoi(value); err == nil {
			value += "h"
		}
	}
	return name, value, nil
}
