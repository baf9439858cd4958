package ratelimit_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/guichet-api/guichet/internal/platform/clock"
	"github.com/guichet-api/guichet/internal/platform/ratelimit"
	"github.com/guichet-api/guichet/internal/testkit"
)

var noon = time.Date(2025, 11, 8, 12, 0, 0, 0, time.UTC)

var perMinute = ratelimit.Limit{N: 3, Per: time.Minute}

type bundle struct {
	*ratelimit.Limiter
	clock *clock.Fake
	db    *testkit.TestDB
}

func setup(t *testing.T) bundle {
	t.Helper()
	t.Parallel()
	db := testkit.Database(t, testkit.DB{Schemas: []string{ratelimit.Schema}, MaxConns: 20})
	b := bundle{clock: clock.NewFake(noon), db: db}
	b.Limiter = b.limiter(t)
	return b
}

// limiter is another process's limiter on the same table.
func (b bundle) limiter(t *testing.T) *ratelimit.Limiter {
	t.Helper()
	l, err := ratelimit.New(ratelimit.Config{Pool: b.db.Pool, Clock: b.clock, Secret: []byte("key of the hashes")})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func (b bundle) take(t *testing.T, charges ...ratelimit.Charge) ratelimit.Taken {
	t.Helper()
	taken, err := b.Take(t.Context(), charges...)
	if err != nil {
		t.Fatal(err)
	}
	return taken
}

func (b bundle) mustTake(t *testing.T, times int, charges ...ratelimit.Charge) ratelimit.Taken {
	t.Helper()
	var taken ratelimit.Taken
	for i := range times {
		if taken = b.take(t, charges...); !taken.OK {
			t.Fatalf("charge %d refused", i+1)
		}
	}
	return taken
}

func (b bundle) mustRefuse(t *testing.T, retryAfter time.Duration, charges ...ratelimit.Charge) {
	t.Helper()
	if taken := b.take(t, charges...); taken.OK || taken.RetryAfter != retryAfter {
		t.Fatalf("Take = %v, retry after %v; want a refusal, retry after %v", taken.OK, taken.RetryAfter, retryAfter)
	}
}

func TestTakeSlides(t *testing.T) {
	b := setup(t)
	alice := ratelimit.Charge{Subject: "alice", Limit: perMinute}
	b.mustTake(t, 1, alice) // 12:00:00
	b.clock.Advance(20 * time.Second)
	b.mustTake(t, 2, alice) // 12:00:20, twice
	b.mustRefuse(t, 40*time.Second, alice)
	b.clock.Advance(40*time.Second - time.Microsecond)
	b.mustRefuse(t, time.Microsecond, alice)
	b.clock.Advance(time.Microsecond) // 12:01:00: the first has left the window, the two of 12:00:20 have not
	b.mustTake(t, 1, alice)
	b.mustRefuse(t, 20*time.Second, alice)
	b.mustTake(t, 3, ratelimit.Charge{Subject: "bob", Limit: perMinute})
}

func TestTakeChargesAllOrNone(t *testing.T) {
	b := setup(t)
	account := ratelimit.Charge{Subject: "account", Limit: ratelimit.Limit{N: 2, Per: time.Minute}}
	address := ratelimit.Charge{Subject: "address", Limit: ratelimit.Limit{N: 4, Per: time.Hour}}
	b.mustTake(t, 2, account, address)
	for range 10 {
		b.mustRefuse(t, time.Minute, account, address)
	}
	b.mustTake(t, 2, address) // the refusals cost the address nothing
	b.mustRefuse(t, time.Hour, address, account)
}

func TestTakeCountsPeriodsApart(t *testing.T) {
	b := setup(t)
	minute := ratelimit.Charge{Subject: "4", Limit: ratelimit.Limit{N: 2, Per: time.Minute}}
	hour := ratelimit.Charge{Subject: "4", Limit: ratelimit.Limit{N: 3, Per: time.Hour}}
	b.mustTake(t, 2, minute, hour)
	b.mustRefuse(t, time.Minute, minute, hour)
	b.clock.Advance(time.Minute)
	b.mustTake(t, 1, minute, hour)
	b.mustRefuse(t, 59*time.Minute, minute, hour)
}

func TestTakeIsStrictInParallel(t *testing.T) {
	b := setup(t)
	account := ratelimit.Charge{Subject: "account", Limit: ratelimit.Limit{N: 10, Per: time.Minute}}
	address := ratelimit.Charge{Subject: "address", Limit: ratelimit.Limit{N: 60, Per: time.Minute}}
	other := b.limiter(t)
	var granted atomic.Int64
	var wg sync.WaitGroup
	for i := range 50 {
		l, charges := b.Limiter, []ratelimit.Charge{account, address}
		if i%2 == 1 { // another process, and the other order: a deadlock if rows were locked as they are named
			l, charges = other, []ratelimit.Charge{address, account}
		}
		wg.Go(func() {
			taken, err := l.Take(t.Context(), charges...)
			if err != nil {
				t.Error(err)
			}
			if taken.OK {
				granted.Add(1)
			}
		})
	}
	wg.Wait()
	if granted.Load() != 10 {
		t.Errorf("%d of 50 parallel charges were granted, want exactly 10", granted.Load())
	}
}

// Successful logins are refunded: whatever the interleaving, as many failures as the limit allows come through, and no more.
func TestRefundInParallel(t *testing.T) {
	b := setup(t)
	account := ratelimit.Charge{Subject: "account", Limit: ratelimit.Limit{N: 10, Per: time.Minute}}
	address := ratelimit.Charge{Subject: "address", Limit: ratelimit.Limit{N: 60, Per: time.Minute}}
	var failures atomic.Int64
	var wg sync.WaitGroup
	for i := range 50 {
		success := i%2 == 0
		wg.Go(func() {
			taken, err := b.Take(t.Context(), account, address)
			switch {
			case err != nil:
				t.Error(err)
			case taken.OK && success:
				if err := b.Refund(t.Context(), taken); err != nil {
					t.Error(err)
				}
			case taken.OK:
				failures.Add(1)
			}
		})
	}
	wg.Wait()
	if left := 10 - int(failures.Load()); left > 0 {
		b.mustTake(t, left, account)
	}
	b.mustRefuse(t, time.Minute, account)
	b.mustTake(t, 60-int(failures.Load()), address)
	b.mustRefuse(t, time.Minute, address)
}

func TestRefundGivesBackItsOwnCharge(t *testing.T) {
	b := setup(t)
	alice := ratelimit.Charge{Subject: "alice", Limit: perMinute}
	first := b.mustTake(t, 1, alice)
	b.clock.Advance(30 * time.Second)
	b.mustTake(t, 2, alice)
	if err := b.Refund(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	b.mustTake(t, 1, alice)
	b.mustRefuse(t, time.Minute, alice) // all three are of 12:00:30; the one of 12:00:00 is gone
	b.clock.Advance(30 * time.Second)
	bob := ratelimit.Charge{Subject: "bob", Limit: perMinute}
	b.mustTake(t, 1, bob)
	b.clock.Advance(10 * time.Second)
	second := b.mustTake(t, 1, bob)
	if err := b.Refund(t.Context(), second); err != nil {
		t.Fatal(err)
	}
	b.mustTake(t, 2, bob)
	b.mustRefuse(t, 50*time.Second, bob) // the first is still there
	if err := b.Refund(t.Context(), ratelimit.Taken{}); err != nil {
		t.Error("refunding a refusal:", err)
	}
	b.mustRefuse(t, 50*time.Second, bob)
}

func TestChargesSurviveARestart(t *testing.T) {
	b := setup(t)
	alice := ratelimit.Charge{Subject: "alice", Limit: perMinute}
	b.mustTake(t, 3, alice)
	b.Limiter = b.limiter(t)
	b.mustRefuse(t, time.Minute, alice)
}

func TestLoweredLimitHoldsAtOnce(t *testing.T) {
	b := setup(t)
	alice := ratelimit.Charge{Subject: "alice", Limit: perMinute}
	b.mustTake(t, 1, alice)
	b.clock.Advance(10 * time.Second)
	b.mustTake(t, 2, alice)
	alice.Limit.N = 1
	b.mustRefuse(t, time.Minute, alice) // room for one only when all three have left
}

func TestPurge(t *testing.T) {
	b := setup(t)
	b.mustTake(t, 1, ratelimit.Charge{Subject: "brief", Limit: perMinute})
	again := ratelimit.Charge{Subject: "again", Limit: ratelimit.Limit{N: 2, Per: time.Minute}}
	b.mustTake(t, 1, again)
	long := ratelimit.Charge{Subject: "long", Limit: ratelimit.Limit{N: 1, Per: time.Hour}}
	b.mustTake(t, 1, long)
	b.clock.Advance(40 * time.Second)
	b.mustTake(t, 1, again)
	b.clock.Advance(20*time.Second + time.Microsecond)
	purged, err := b.Purge(t.Context())
	if err != nil || purged != 1 {
		t.Errorf("Purge = %d, %v; want 1", purged, err)
	}
	b.mustTake(t, 1, again)
	b.mustRefuse(t, 40*time.Second-time.Microsecond, again) // what was charged at 12:00:40 is remembered
	b.mustRefuse(t, 59*time.Minute-time.Microsecond, long)
}

func TestTableNamesNobody(t *testing.T) {
	b := setup(t)
	b.mustTake(t, 1, ratelimit.Charge{Subject: "user@example.com", Limit: perMinute})
	var named bool
	err := b.db.Pool.QueryRow(t.Context(), `SELECT bool_or(r::text LIKE '%example%' OR encode(key, 'escape') LIKE '%user%')
		FROM rate_limits r`).Scan(&named)
	if err != nil || named {
		t.Errorf("the table names its subjects (%v)", err)
	}
}

func TestOffAllowsEverything(t *testing.T) {
	t.Parallel()
	l, err := ratelimit.New(ratelimit.Config{Off: true})
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		taken, err := l.Take(t.Context(), ratelimit.Charge{Subject: "alice", Limit: ratelimit.Limit{N: 1, Per: time.Hour}})
		if err != nil || !taken.OK {
			t.Fatalf("Take = %v, %v", taken, err)
		}
		if err := l.Refund(t.Context(), taken); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := l.Purge(t.Context()); n != 0 || err != nil {
		t.Errorf("Purge = %d, %v", n, err)
	}
}

func TestZeroLimitAllowsEverything(t *testing.T) {
	b := setup(t)
	for range 5 {
		b.mustTake(t, 1, ratelimit.Charge{Subject: "alice"})
	}
	alice := ratelimit.Charge{Subject: "alice", Limit: ratelimit.Limit{N: 1, Per: time.Minute}}
	b.mustTake(t, 1, alice, ratelimit.Charge{Subject: "free"})
	b.mustRefuse(t, time.Minute, alice, ratelimit.Charge{Subject: "free"})
}

func TestTakeReportsTheDatabase(t *testing.T) {
	b := setup(t)
	b.db.Pool.Close()
	if taken, err := b.Take(t.Context(), ratelimit.Charge{Subject: "alice", Limit: perMinute}); err == nil || taken.OK {
		t.Errorf("Take on a closed pool = %v, %v", taken, err)
	}
}
