package inprocess

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"time"
)

// token is what every contestant expects behind "Bearer ".
const token = "0198c5a2-bench"

// call is one of the measured requests with the answer that every contestant must give.
type call struct {
	name   string
	method string
	target string
	body   string // JSON; empty: none
	status int
	answer []byte // JSON
}

// The ids are UUIDv7, like the product's.
const (
	ticketID = "0198c5a2-7d1e-7c3a-9b52-4f0d6e8a1b2c"
	prizeID  = "0198c5a2-11aa-7f04-8c6d-2e9b7a3f5d10"
	creation = `{"type":"PHYSICAL","name":"Coffret découverte","description":"Assortiment de thés premium","value":"69.00","probability":0.15,"stock":200}`
)

func calls() []call {
	return []call{
		{
			name: "GET by id", method: http.MethodGet, target: "/api/game/my-tickets/" + ticketID,
			status: http.StatusOK, answer: marshal(map[string]any{"success": true, "data": ticket(0)}),
		},
		{
			name: "GET list of 20", method: http.MethodGet, target: "/api/game/my-tickets?page=1&limit=20",
			status: http.StatusOK, answer: marshal(map[string]any{"success": true, "data": map[string]any{
				"tickets":    tickets(20),
				"pagination": map[string]any{"total": 4711, "page": 1, "limit": 20, "totalPages": 236},
			}}),
		},
		{
			name: "POST", method: http.MethodPost, target: "/api/admin/prizes", body: creation,
			status: http.StatusCreated, answer: marshal(map[string]any{
				"success": true, "message": "Prix créé avec succès", "data": map[string]any{
					"id": prizeID, "type": "PHYSICAL", "name": "Coffret découverte", "description": "Assortiment de thés premium",
					"value": "69.00", "probability": 0.15, "stock": 200, "initialStock": 200, "isActive": true,
				},
			}),
		},
	}
}

// ticket is the i-th ticket: some wait, some were validated, one in four was rejected.
func ticket(i int) map[string]any {
	one := map[string]any{
		"id": fmt.Sprintf("0198c5a2-7d1e-7c3a-9b52-4f0d6e8a%04x", 0x1b2c+i), "code": fmt.Sprintf("ABC-DEFG-%04d", i),
		"status": "PENDING", "playedAt": fmt.Sprintf("2026-03-14T09:26:%02d.589Z", i),
		"claimedAt": nil, "validatedAt": nil, "rejectionReason": nil,
		"prize": map[string]any{
			"id": prizeID, "type": "PHYSICAL", "name": "Boîte de 100g de thé détox ou d'infusion",
			"description": "Un thé bio au choix", "value": "39.00",
		},
	}
	switch i % 4 {
	case 1:
		one["status"], one["validatedAt"] = "VALIDATED", "2026-03-15T10:00:00.001Z"
	case 3:
		one["status"], one["rejectionReason"] = "REJECTED", "Ticket de caisse illisible"
	}
	return one
}

func tickets(n int) []map[string]any {
	all := make([]map[string]any, n)
	for i := range all {
		all[i] = ticket(i)
	}
	return all
}

func marshal(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err) // the values are the literals above
	}
	return data
}

// verify compares what a contestant answered with what the call must answer.
func (c call) verify(got *recorder) error {
	if got.status != c.status {
		return fmt.Errorf("%s: status %d, want %d: %s", c.name, got.status, c.status, got.body)
	}
	if kind := got.header.Get("Content-Type"); !strings.HasPrefix(kind, "application/json") {
		return fmt.Errorf("%s: content type %q", c.name, kind)
	}
	var have, want any
	if err := json.Unmarshal(got.body, &have); err != nil {
		return fmt.Errorf("%s: %w in %s", c.name, err, got.body)
	}
	if err := json.Unmarshal(c.answer, &want); err != nil {
		return fmt.Errorf("%s: %w", c.name, err)
	}
	if !reflect.DeepEqual(seconds(have), seconds(want)) {
		return fmt.Errorf("%s: answered %s\nwant %s", c.name, got.body, c.answer)
	}
	return nil
}

// seconds cuts all times in a JSON value to the second: ogen's server knows no finer ones.
func seconds(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			v[name] = seconds(member)
		}
	case []any:
		for i, item := range v {
			v[i] = seconds(item)
		}
	case string:
		if at, err := time.Parse(time.RFC3339, v); err == nil {
			return at.UTC().Truncate(time.Second)
		}
	}
	return v
}
