package testkit

import (
	"context"
	"fmt"
	"strings"
)

// nodes are the expected messages; of socketio ["event", argument…].
func (s *expectStep) nodes(fill func(string) (string, error)) ([]*node, error) {
	values, err := s.want.resolve(fill)
	if err != nil || s.event == "" {
		return values, err
	}
	name := &node{kind: '"', text: s.event, line: s.at}
	return []*node{{kind: '[', line: s.at, values: append([]*node{name}, values...)}}, nil
}

// messages awaits as many messages as are expected.
func (s *expectStep) messages(ctx context.Context, p *play, inbox *inbox) error {
	want, err := s.nodes(p.expectation)
	if err != nil {
		return err
	}
	if s.mode == inAnyOrder {
		return s.anyOrder(ctx, p, inbox, want)
	}
	var passed []string
	for _, message := range want {
		for {
			got, raw, err := s.receive(ctx, p, inbox)
			if err != nil {
				return fmt.Errorf("  line %-4d want %s: %w%s", message.line, message, err, told(passed))
			}
			diffs := p.compare(message, got)
			if len(diffs) == 0 {
				break
			}
			if s.mode == inOrder {
				return failed(diffs, raw)
			}
			passed = append(passed, raw)
		}
	}
	return nil
}

// told lists the messages that were passed over.
func told(passed []string) string {
	if len(passed) == 0 {
		return ""
	}
	return "; what came was:\n" + strings.Join(passed, "\n")
}

func (s *expectStep) anyOrder(ctx context.Context, p *play, inbox *inbox, want []*node) error {
	var all []*node
	var raws []string
	for range want {
		got, raw, err := s.receive(ctx, p, inbox)
		if err != nil {
			return fmt.Errorf("  %d of %d messages came: %w%s", len(all), len(want), err, told(raws))
		}
		all, raws = append(all, got), append(raws, raw)
	}
	c := &comparison{known: p.known, now: p.now()}
	c.unordered("messages", want[0], want, all)
	return failed(c.diffs, strings.Join(raws, "\n"))
}

// receive is the next message, held to the contract.
func (s *expectStep) receive(ctx context.Context, p *play, inbox *inbox) (*node, string, error) {
	frame, err := inbox.next(ctx)
	if err != nil {
		return nil, "", err
	}
	raw := string(frame)
	if err := p.checkMessage(s.transport, "receive", raw); err != nil {
		return nil, raw, err
	}
	got, err := parseJSON(raw, 1)
	if err != nil {
		return nil, raw, fmt.Errorf("%w: %s", err, raw)
	}
	return got, raw, nil
}

// checkMessage holds a message to the suite's contract, if it has one.
func (p *play) checkMessage(transport, direction, message string) error {
	if p.suite.CheckMessage == nil {
		return nil
	}
	if err := p.suite.CheckMessage(transport, direction, []byte(message)); err != nil {
		return fmt.Errorf("  the contract is broken by %s: %w", message, err)
	}
	return nil
}
