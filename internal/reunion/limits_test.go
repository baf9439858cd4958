package reunion_test

import (
	"strings"
	"testing"
	"time"

	"github.com/guichet-api/guichet/gen/reunion/api"
	"github.com/guichet-api/guichet/internal/reunion"
)

const tooMany = "Trop de tentatives, veuillez réessayer plus tard"

// TestVisits: an address may join and answer surveys only so often.
func TestVisits(t *testing.T) {
	t.Parallel()
	d := startDemo(t, options{limits: true})
	for range visits {
		if _, as := d.client("Alice"); !as.Success {
			t.Fatal(as)
		}
		d.survey()
	}
	late := d.connect(t, "")
	late.refused("join-reunion-client", `{"reunionId": "reunion-123", "clientInfo": {}}`, tooMany)
	_, err := d.SubmitSurvey(t.Context(), api.SubmitSurveyRequestObject{
		ID: reunion.DemoReunion, Body: &api.SurveyRequest{OverallRating: 5, RecommendationScore: 10},
	})
	if err == nil || !strings.Contains(err.Error(), tooMany) {
		t.Errorf("a survey too many: %v", err)
	}
	d.clock.Advance(time.Minute)
	d.client("Alice")
	d.survey()
}

// TestCartFlood: a socket cannot make the host hear of its cart faster than the limit.
func TestCartFlood(t *testing.T) {
	t.Parallel()
	d := startDemo(t, options{limits: true})
	host := d.host()
	a, _ := d.client("Alice")
	b, _ := d.client("Bob")
	host.take()
	for range 20 {
		a.must("update-cart", cart)
	}
	a.refused("update-cart", `{"cart": []}`, tooMany)
	if heard := len(host.take()); heard != 20 {
		t.Errorf("the host heard of %d", heard)
	}
	b.must("update-cart", cart)
	d.clock.Advance(100 * time.Millisecond)
	a.must("update-cart", cart)
	a.refused("update-cart", `{"cart": []}`, tooMany)
	a.must("validate-cart", `{}`)
}
