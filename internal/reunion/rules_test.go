package reunion

import (
	"runtime"
	"testing"

	"github.com/guichet-api/guichet/gen/reunion/db"
)

func TestScore(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		all     db.ScoreSurveysRow
		average float64
		nps     int32
	}{
		"one promoter":          {db.ScoreSurveysRow{Surveys: 1, Ratings: 5, Balance: 1}, 5, 100},
		"one detractor":         {db.ScoreSurveysRow{Surveys: 1, Ratings: 1, Balance: -1}, 1, -100},
		"one of neither":        {db.ScoreSurveysRow{Surveys: 1, Ratings: 3}, 3, 0},
		"a half":                {db.ScoreSurveysRow{Surveys: 2, Ratings: 7, Balance: 1}, 3.5, 50},
		"a third, rounded":      {db.ScoreSurveysRow{Surveys: 3, Ratings: 10, Balance: 1}, 10.0 / 3, 33},
		"two thirds, rounded":   {db.ScoreSurveysRow{Surveys: 3, Ratings: 7, Balance: -2}, 7.0 / 3, -67},
		"a half goes outwards":  {db.ScoreSurveysRow{Surveys: 8, Ratings: 8, Balance: 1}, 1, 13},
		"a half, below nothing": {db.ScoreSurveysRow{Surveys: 8, Ratings: 8, Balance: -1}, 1, -13},
	} {
		if average, nps := score(test.all); *average != test.average || *nps != test.nps {
			t.Errorf("%s: %v %d", name, *average, *nps)
		}
	}
	if average, nps := score(db.ScoreSurveysRow{}); average != nil || nps != nil {
		t.Errorf("no surveys: %v %v", average, nps)
	}
}

// TestLanes: a lane is forgotten once nobody uses it; what goes alone waits for what is shared, and the other way round.
func TestLanes(t *testing.T) {
	t.Parallel()
	var l lanes
	one, two := l.client("r", "a"), l.client("r", "b") // side by side
	entered := make(chan func())
	waits := func(users int, what string) {
		t.Helper()
		for l.usersOf("r") < users {
			runtime.Gosched()
		}
		select {
		case <-entered:
			t.Fatal(what)
		default:
		}
	}
	go func() { entered <- l.alone("r") }()
	l.alone("s")() // another réunion waits for nobody
	waits(3, "alone beside two clients")
	one()
	waits(2, "alone beside a client")
	two()
	leave := <-entered
	go func() { entered <- l.shared("r") }()
	waits(2, "shared beside alone")
	leave()
	(<-entered)()
	if len(l.used) != 0 {
		t.Errorf("%d lanes are left", len(l.used))
	}
}

// usersOf is how many hold a lane or wait for it.
func (l *lanes) usersOf(key string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if found := l.used[key]; found != nil {
		return found.users
	}
	return 0
}
