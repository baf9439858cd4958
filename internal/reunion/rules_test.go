package reunion

import (
	"runtime"
	"testing"

	"github.com/guichet-api/guichet/gen/reunion/db"
)

func TestScore(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		ratings, recommendations []int32
		average                  float64
		nps                      int32
	}{
		"one promoter":          {[]int32{5}, []int32{10}, 5, 100},
		"one detractor":         {[]int32{1}, []int32{6}, 1, -100},
		"one of neither":        {[]int32{3}, []int32{7}, 3, 0},
		"8 is neither":          {[]int32{3, 4}, []int32{8, 9}, 3.5, 50},
		"a third, rounded":      {[]int32{4, 1, 5}, []int32{9, 0, 10}, 10.0 / 3, 33},
		"two thirds, rounded":   {[]int32{1, 1, 5}, []int32{0, 0, 8}, 7.0 / 3, -67},
		"a half goes outwards":  {[]int32{1, 1, 1, 1, 1, 1, 1, 1}, []int32{9, 8, 8, 8, 8, 8, 8, 8}, 1, 13},
		"a half, below nothing": {[]int32{1, 1, 1, 1, 1, 1, 1, 1}, []int32{0, 8, 8, 8, 8, 8, 8, 8}, 1, -13},
	} {
		var surveys []db.Survey
		for i := range test.ratings {
			surveys = append(surveys, db.Survey{OverallRating: test.ratings[i], RecommendationScore: test.recommendations[i]})
		}
		if average, nps := score(surveys); *average != test.average || *nps != test.nps {
			t.Errorf("%s: %v %d", name, *average, *nps)
		}
	}
	if average, nps := score(nil); average != nil || nps != nil {
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
