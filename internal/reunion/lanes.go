package reunion

import "sync"

// lanes keep the order of what happens to a réunion: who holds one changes the rows and sends the events before the next one
// does. So a host hears of changes in the order of their commits, and what it is told of the whole is never older than what
// it heard before. What clients do to themselves goes side by side, and only in the order of each client; what concerns
// everybody (a host comes, the réunion ends) goes alone.
//
// Lanes order events, which are this process's; the rows are safe without them.
type lanes struct {
	mu   sync.Mutex
	used map[string]*lane
}

// lane is that of one réunion or one client; it exists while somebody uses it.
type lane struct {
	sync.RWMutex
	users int // who holds it or waits for it; guarded by lanes.mu
}

// alone has the réunion for itself until leave is called.
func (l *lanes) alone(reunion string) (leave func()) {
	taken := l.enter(reunion)
	taken.Lock()
	return func() {
		taken.Unlock()
		l.exit(reunion, taken)
	}
}

// shared keeps out whoever wants the réunion alone, until leave is called.
func (l *lanes) shared(reunion string) (leave func()) {
	taken := l.enter(reunion)
	taken.RLock()
	return func() {
		taken.RUnlock()
		l.exit(reunion, taken)
	}
}

// client shares the réunion and has one of its clients alone, until leave is called.
func (l *lanes) client(reunion, client string) (leave func()) {
	whole := l.shared(reunion)
	own := l.alone("/" + client) // no réunion is called so
	return func() {
		own()
		whole()
	}
}

func (l *lanes) enter(key string) *lane {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.used == nil {
		l.used = map[string]*lane{}
	}
	found := l.used[key]
	if found == nil {
		found = &lane{}
		l.used[key] = found
	}
	found.users++
	return found
}

func (l *lanes) exit(key string, used *lane) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if used.users--; used.users == 0 {
		delete(l.used, key)
	}
}
