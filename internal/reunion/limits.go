package reunion

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"github.com/guichet-api/guichet/internal/platform/login"
	"github.com/guichet-api/guichet/internal/platform/problem"
	"github.com/guichet-api/guichet/internal/platform/ratelimit"
	"github.com/guichet-api/guichet/internal/platform/web"
	"github.com/guichet-api/guichet/internal/realtime"
)

// Limits bound what strangers may do; the zero Limits allow everything.
type Limits struct {
	Login  login.Limits
	Visits ratelimit.Limit // joins of clients and surveys, each, from one address
	Carts  ratelimit.Limit // changes of a cart by one socket, as often as the host is told
}

// chargeVisit refuses what an address does without an account too often.
func (a *API) chargeVisit(ctx context.Context, what, address string) error {
	_, err := a.logins.Charge(ctx, ratelimit.Charge{Subject: Name + "/" + what + "/" + address, Limit: a.cfg.Limits.Visits})
	return err
}

// addressOf is the address of a socket as limits count it.
func addressOf(p *realtime.Peer) string {
	addr, err := netip.ParseAddr(p.Address())
	if err != nil {
		return p.Address()
	}
	return web.AddressKey(addr)
}

// pace holds one socket to a limit: a bucket that is filled at the limit's rate. The zero pace is a full one.
type pace struct {
	mu   sync.Mutex
	full time.Time // when the bucket is full again
}

// take refuses what comes too fast.
func (p *pace) take(now time.Time, limit ratelimit.Limit) error {
	if limit.N == 0 {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.full.Before(now) {
		p.full = now
	}
	full := p.full.Add(limit.Per / time.Duration(limit.N))
	if late := full.Sub(now) - limit.Per; late > 0 {
		return problem.TooManyFor(late, textTooMany)
	}
	p.full = full
	return nil
}
