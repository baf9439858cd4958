package portal

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// indexData is what the index page shows.
type indexData struct {
	Version  string
	Database string
	Systems  []card
}

// card is one system on the index page.
type card struct {
	Name, Title, URL, Host string
	About                  string // the first sentence of the contract's description
	Accounts               []string
	ContractVersion        string
	Operations             int
	Events, Commands       int // of its live side; without one: 0

	Ready    bool
	Reason   string
	Checked  bool // responses are checked against the contract
	Findings []Finding
}

// newCard reads what the contract tells about the system.
func newCard(s System) (card, error) {
	var contract struct {
		Info struct {
			Version     string `yaml:"version"`
			Description string `yaml:"description"`
		} `yaml:"info"`
		Paths map[string]map[string]any `yaml:"paths"`
	}
	if err := yaml.Unmarshal(s.Spec, &contract); err != nil {
		return card{}, fmt.Errorf("portal.newCard: %w", err)
	}
	c := card{
		Name: s.Name, Title: s.Title, URL: s.URL, About: firstSentence(contract.Info.Description),
		ContractVersion: contract.Info.Version, Accounts: s.Accounts,
	}
	for _, item := range contract.Paths {
		for key, value := range item {
			operation, _ := value.(map[string]any)
			if slices.Contains(methods, key) && operation["x-planned"] == nil {
				c.Operations++
			}
		}
	}
	return c, c.countEvents(s.Events)
}

// countEvents reads what the AsyncAPI contract tells.
func (c *card) countEvents(spec []byte) error {
	var contract struct {
		Operations map[string]struct {
			Action  string `yaml:"action"`
			Planned bool   `yaml:"x-planned"`
		} `yaml:"operations"`
	}
	if err := yaml.Unmarshal(spec, &contract); err != nil {
		return fmt.Errorf("portal.newCard: %w", err)
	}
	for _, operation := range contract.Operations {
		switch {
		case operation.Planned:
		case operation.Action == "send":
			c.Events++
		default:
			c.Commands++
		}
	}
	return nil
}

// firstSentence is what a description begins with, as plain text.
func firstSentence(text string) string {
	words := strings.ReplaceAll(strings.Join(strings.Fields(text), " "), "`", "")
	sentence, _, found := strings.Cut(words, ". ")
	if found {
		sentence += "."
	}
	return sentence
}
