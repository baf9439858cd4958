package contract

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
)

func TestCheckBody(t *testing.T) {
	t.Parallel()
	c := loadTest(t)
	type item struct {
		Code     string `json:"code"`
		Quantity int    `json:"quantity"`
	}
	if err := c.CheckBody("Item", item{"ABC-12", 3}); err != nil {
		t.Errorf("a good value: %v", err)
	}
	var refused *Error
	if err := c.CheckBody("Item", item{"", -1}); !errors.As(err, &refused) {
		t.Fatalf("a bad value: %v", err)
	}
	var fields []string
	for _, v := range refused.Violations {
		fields = append(fields, v.Field())
	}
	slices.Sort(fields)
	if refused.Status != http.StatusBadRequest || refused.Message == "" || !slices.Equal(fields, []string{"code", "quantity"}) {
		t.Errorf("refused as %d %q for %v", refused.Status, refused.Message, fields)
	}
	if err := c.CheckBody("Nothing", item{}); err == nil || errors.As(err, &refused) && !strings.Contains(err.Error(), "Nothing") {
		t.Errorf("a schema that is none: %v", err)
	}
	if err := c.CheckBody("Item", make(chan int)); err == nil {
		t.Error("a value that is no JSON is accepted")
	}
}
