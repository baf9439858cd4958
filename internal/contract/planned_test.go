package contract

import (
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
)

const plannedSpec = `openapi: 3.0.3
info: {title: t, version: 1.0.0}
paths:
  /now:
    get: {operationId: getNow, responses: {'204': {description: Fine}}}
    post: {operationId: postLater, x-planned: PLANNED, responses: {'204': {description: Fine}}}
  /later:
    get: {operationId: getLater, x-planned: true, responses: {'204': {description: Fine}}}
`

func loadPlanned(t *testing.T, value string) (*Contract, error) {
	t.Helper()
	return Load([]byte(strings.Replace(plannedSpec, "PLANNED", value, 1)), "openapi.yaml")
}

// TestPlannedOperations: what is published ahead of its server is compiled, and neither guarded nor expected.
func TestPlannedOperations(t *testing.T) {
	t.Parallel()
	c, err := loadPlanned(t, "true")
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Operations) != 1 || len(c.Planned) != 2 || c.Operation("getLater") != c.Planned[1] {
		t.Fatalf("served %v, planned %v", c.Operations, c.Planned)
	}
	guard, err := c.Guard(Config{})
	if err != nil {
		t.Fatal(err)
	}
	if guard.Middlewares()["getLater"] != nil {
		t.Error("a planned operation has a guard")
	}
	fine := func(c echo.Context) error { return c.NoContent(204) }
	e := echo.New()
	e.GET("/now", fine, guard.Middlewares()["getNow"]...)
	if err := guard.CheckRoutes(e); err != nil {
		t.Errorf("without the planned ones: %v", err)
	}
	e.POST("/now", fine)
	if err := guard.CheckRoutes(e); err == nil || !strings.Contains(err.Error(), "POST /now is served and x-planned in openapi.yaml") {
		t.Errorf("with a planned one served: %v", err)
	}
}

func TestPlannedIsTrueOrLeftOut(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"false", "yes please", "1"} {
		if _, err := loadPlanned(t, value); err == nil || !strings.Contains(err.Error(), "openapi.yaml:6: x-planned must be true") {
			t.Errorf("x-planned: %s: %v", value, err)
		}
	}
	if _, err := Load([]byte(strings.Replace(plannedSpec, "getLater", "getNow", 1)), "openapi.yaml"); err == nil {
		t.Error("a planned operation may take another's operationId")
	}
}
