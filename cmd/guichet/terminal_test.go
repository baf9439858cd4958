package main

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"strings"
	"testing"
)

// fakeConsole is a console whose standard input is a terminal where these lines are typed, or a pipe with this text.
func fakeConsole(terminal bool, text string) (console, *bytes.Buffer, *bytes.Buffer) {
	var out, errs bytes.Buffer
	lines := strings.Split(text, "\n")
	return console{
		stdin: strings.NewReader(text), stdout: &out, stderr: &errs,
		isTerminal: func(any) bool { return terminal },
		readSecret: func(io.Reader) ([]byte, error) {
			if len(lines) == 0 {
				return nil, io.EOF
			}
			line := lines[0]
			lines = lines[1:]
			return []byte(line), nil
		},
	}, &out, &errs
}

func TestReadPassword(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		terminal bool
		text     string
		want     string
		fails    string
	}{
		"typed twice":          {true, "Secret1234\nSecret1234", "Secret1234", ""},
		"typed differently":    {true, "Secret1234\nSecret1235", "", "differ"},
		"typed only once":      {true, "Secret1234", "", "EOF"},
		"piped":                {false, "Secret1234\nmore\n", "Secret1234", ""},
		"piped without end":    {false, "Secret1234", "Secret1234", ""},
		"piped from elsewhere": {false, "Secret1234\r\n", "Secret1234", ""},
		"blanks are part":      {false, " Secret 1234 \n", " Secret 1234 ", ""},
		"nothing piped":        {false, "", "", "--generate"},
		"an empty line":        {false, "\nSecret\n", "", "--generate"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			con, out, errs := fakeConsole(c.terminal, c.text)
			password, made, err := passwordFlags{}.read(con)
			if password != c.want || made {
				t.Errorf("got %q, made %t", password, made)
			}
			if (err == nil) != (c.fails == "") || err != nil && !strings.Contains(err.Error(), c.fails) {
				t.Errorf("got %v, want %q", err, c.fails)
			}
			if strings.Contains(out.String()+errs.String(), "Secret") {
				t.Error("the password is shown")
			}
		})
	}
}

func TestGeneratePassword(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 200 {
		password, made, err := passwordFlags{Generate: true}.read(console{})
		if err != nil || !made || len(password) != passwordLength || seen[password] {
			t.Fatalf("got %q, %t, %v", password, made, err)
		}
		if !strings.ContainsAny(password, "23456789") || strings.ToLower(password) == password || strings.ToUpper(password) == password {
			t.Fatalf("%q lacks a kind of letter", password)
		}
		seen[password] = true
	}
	if _, err := generatePassword(strings.NewReader("short")); !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("without randomness: %v", err)
	}
}

// TestRandomBelowIsFair: bytes that would favour some letters are passed over.
func TestRandomBelowIsFair(t *testing.T) {
	t.Parallel()
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	counts := make([]int, 55)
	source := bytes.NewReader(all)
	for {
		n, err := randomBelow(source, 55)
		if err != nil {
			break
		}
		counts[n]++
	}
	for n, count := range counts {
		if count != 256/55 {
			t.Errorf("%d comes %d times in 256, others %d times", n, count, counts[0])
		}
	}
	if n, err := randomBelow(rand.Reader, 1); n != 0 || err != nil {
		t.Errorf("below 1: %d, %v", n, err)
	}
}
