package tiptop

import (
	"encoding/binary"
	"fmt"
	"io"
	"strings"
)

// codeAlphabet leaves out what a customer may misread: I and 1, O and 0. Its 32 letters make a letter of every 5 random bits.
const codeAlphabet = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"

// codeShape is how a code looks; every x stands for a letter of the alphabet. Eleven letters are 55 random bits: of 500,000
// codes, a guess hits one once in 72 billion times.
const codeShape = "xxx-xxxx-xxxx"

// newCode makes a code that nobody can foresee.
func newCode(random io.Reader) (string, error) {
	var source [8]byte
	if _, err := io.ReadFull(random, source[:]); err != nil {
		return "", fmt.Errorf("newCode: %w", err)
	}
	bits, code := binary.LittleEndian.Uint64(source[:]), []byte(codeShape)
	for i, letter := range code {
		if letter == 'x' {
			code[i] = codeAlphabet[bits%32]
			bits /= 32
		}
	}
	return string(code), nil
}

// normalizeCode is a code as it is stored, however a player typed it.
func normalizeCode(typed string) string { return strings.ToUpper(strings.TrimSpace(typed)) }
