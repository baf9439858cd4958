package auth

import (
	"crypto/sha256"
	"encoding/binary"
	"testing"
)

func TestVerified(t *testing.T) {
	t.Parallel()
	key := func(n int) [sha256.Size]byte { return sha256.Sum256(binary.BigEndian.AppendUint32(nil, uint32(n))) }
	var v verified
	if _, known := v.get(key(0)); known {
		t.Error("an empty memory knows a token")
	}
	const many = 3*generation + generation/2
	for n := range many {
		v.put(key(n), Claims{Session: string(rune(n))})
	}
	if held := len(v.newer) + len(v.older); held > 2*generation {
		t.Errorf("%d tokens are remembered, more than two generations", held)
	}
	for n := many - generation; n < many; n++ { // the latest are there, whenever a generation began
		if claims, known := v.get(key(n)); !known || claims.Session != string(rune(n)) {
			t.Fatalf("token %d of %d is %v, %+v", n, many, known, claims)
		}
	}
	if _, known := v.get(key(0)); known {
		t.Error("the oldest token is remembered")
	}
}
