package main

import (
	"bufio"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// systemConsole is the process's own.
func systemConsole() console {
	return console{
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		isTerminal: func(stream any) bool {
			file, ok := stream.(*os.File)
			return ok && term.IsTerminal(int(file.Fd()))
		},
		readSecret: func(in io.Reader) ([]byte, error) {
			file, ok := in.(*os.File)
			if !ok {
				return nil, errors.New("not a terminal")
			}
			return term.ReadPassword(int(file.Fd()))
		},
	}
}

// passwordFlags is where a command takes a password from: a prompt, standard input, or nowhere. Never an argument: those
// are in the shell's history and in the list of processes.
type passwordFlags struct {
	Generate bool `help:"Make a password up and print it, once."`
}

// maxPasswordLine is the longest line that is read as a password, in bytes.
const maxPasswordLine = 1024

// read gets the password. made says that it was generated, and is to be shown.
func (p passwordFlags) read(con console) (password string, made bool, err error) {
	switch {
	case p.Generate:
		password, err = generatePassword(rand.Reader)
		return password, true, err
	case con.isTerminal(con.stdin):
		password, err = promptPassword(con)
		return password, false, err
	default:
		line, err := bufio.NewReader(io.LimitReader(con.stdin, maxPasswordLine)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", false, fmt.Errorf("reading the password: %w", err)
		}
		if line = strings.TrimRight(line, "\r\n"); line == "" {
			return "", false, &usageError{errors.New("no password: type it at the prompt, pipe it in as one line, or use --generate")}
		}
		return line, false, nil
	}
}

// promptPassword asks twice, because nobody sees what is typed.
func promptPassword(con console) (string, error) {
	var typed [2]string
	for i, prompt := range []string{"Password: ", "Once more: "} {
		fmt.Fprint(con.stderr, prompt)
		line, err := con.readSecret(con.stdin)
		fmt.Fprintln(con.stderr)
		if err != nil {
			return "", fmt.Errorf("reading the password: %w", err)
		}
		typed[i] = string(line)
	}
	if typed[0] != typed[1] {
		return "", &usageError{errors.New("the two passwords differ: nothing was changed")}
	}
	return typed[0], nil
}

// passwordLetters leaves out what is easily misread. 54 letters, 20 of them: 115 bits.
const (
	passwordLetters = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
	passwordLength  = 20
)

// generatePassword makes a password with small and capital letters and digits, as contracts want them.
func generatePassword(random io.Reader) (string, error) {
	for {
		password := make([]byte, passwordLength)
		for i := range password {
			letter, err := randomBelow(random, len(passwordLetters))
			if err != nil {
				return "", fmt.Errorf("generatePassword: %w", err)
			}
			password[i] = passwordLetters[letter]
		}
		text := string(password)
		if strings.ContainsAny(text, "23456789") && strings.ToLower(text) != text && strings.ToUpper(text) != text {
			return text, nil
		}
	}
}

// randomBelow is a uniform number below n ≤ 256: bytes that would favour some are drawn again.
func randomBelow(random io.Reader, n int) (int, error) {
	var b [1]byte
	for {
		if _, err := io.ReadFull(random, b[:]); err != nil {
			return 0, err
		}
		if int(b[0]) < 256/n*n {
			return int(b[0]) % n, nil
		}
	}
}
