package dispatch

import (
	"context"
	"fmt"
	"strings"

	meeting "github.com/guichet-api/guichet/gen/meeting/events"
	reunion "github.com/guichet-api/guichet/gen/reunion/events"
	"github.com/guichet-api/guichet/internal/realtime"
)

// event is a message that a system gets.
type event struct {
	title   string
	system  string // whose contract it belongs to
	schema  string // of its payload, in the contract's components
	name    string // on the wire
	payload string
	broken  string // a payload that everybody must refuse
	target  func() any
}

// events are what is measured: a typical event, a short one and two that are longer.
func events() []event {
	line := `{"productId":"prod-789","quantity":2}`
	return []event{
		{
			"cart of 2 lines", "reunion", "UpdateCart", "update-cart",
			`{"reunionId":"reunion-123","cart":[` + line + `,{"productId":"prod-790","quantity":1}]}`,
			`{"reunionId":"reunion-123","cart":[{"productId":"prod-790","quantity":1000}]}`,
			func() any { return new(reunion.UpdateCart) },
		},
		{
			"join", "reunion", "JoinReunionClient", "join-reunion-client",
			`{"reunionId":"reunion-123","clientInfo":{"name":"Alice Martin","email":"alice@example.com"}}`,
			`{"reunionId":"réunion 123","clientInfo":{"name":"Alice Martin"}}`,
			func() any { return new(reunion.JoinReunionClient) },
		},
		{
			"chat message", "meeting", "SendMessage", "message",
			`{"roomId":"b1946ac9","message":"Bonjour à tous, on commence dans cinq minutes.","timestamp":"2025-11-08T15:30:00.123Z","file":null,"replyTo":null}`,
			`{"roomId":17,"message":"Bonjour"}`,
			func() any { return new(meeting.SendMessage) },
		},
		{
			"cart of 50 lines", "reunion", "UpdateCart", "update-cart",
			`{"reunionId":"reunion-123","cart":[` + strings.Repeat(line+",", 49) + line + `]}`,
			`{"reunionId":"reunion-123"}`,
			func() any { return new(reunion.UpdateCart) },
		},
	}
}

// dispatchers are the systems as they run, with handlers that do nothing.
func dispatchers() (map[string]realtime.Dispatcher, error) {
	carts, err := reunion.New(reunion.Config{Handler: meetings{}, Errors: refusals{}, Sink: nowhere{}})
	if err != nil {
		return nil, err
	}
	rooms, err := meeting.New(meeting.Config{Handler: chat{}, Errors: failures{}, Sink: nowhere{}})
	if err != nil {
		return nil, err
	}
	return map[string]realtime.Dispatcher{"reunion": carts, "meeting": rooms}, nil
}

// contestant takes a payload to its Go value; an error is a refusal.
type contestant struct {
	name string
	take func(payload []byte) error
}

const nameGuichet = "guichet"

// newGuichet is the system's own dispatcher. The payload stands in an Incoming already, as wires have it.
func newGuichet(e event, d realtime.Dispatcher) contestant {
	ctx, peer := context.Background(), realtime.NewPeer("p1", realtime.WireSocketIO, "127.0.0.1")
	in := &realtime.Incoming{Event: e.name, Args: make([][]byte, 1), WantsReply: true}
	return contestant{nameGuichet, func(payload []byte) error {
		in.Args[0] = payload
		reply, err := d.Dispatch(ctx, peer, in)
		if err == nil && !accepted(reply) {
			err = fmt.Errorf("%s is answered %s %s", e.name, reply.Event, reply.Payload)
		}
		return err
	}}
}

// accepted tells a reply from the contract's refusals.
func accepted(reply *realtime.Message) bool {
	return reply != nil && (reply.Event == "done" || reply.Event == "joined")
}

// meetings handles what the events above need, and nothing else.
type meetings struct{ reunion.Handler }

func (meetings) UpdateCart(context.Context, *realtime.Peer, reunion.UpdateCart) (reunion.Done, error) {
	return reunion.Done{}, nil
}

func (meetings) JoinReunionClient(context.Context, *realtime.Peer, reunion.JoinReunionClient) (reunion.Joined, error) {
	return reunion.Joined{ClientID: "client-456", ResumeToken: "r"}, nil
}

type refusals struct{}

func (refusals) Refusal(context.Context, *realtime.Peer, string, error) reunion.Refusal {
	return reunion.Refusal{}
}

func (refusals) ReunionError(context.Context, *realtime.Peer, string, error) reunion.ReunionError {
	return reunion.ReunionError{}
}

type chat struct{ meeting.Handler }

func (chat) SendMessage(context.Context, *realtime.Peer, meeting.SendMessage) (meeting.Done, error) {
	return meeting.Done{}, nil
}

type failures struct{ meeting.Errors }

func (failures) Failure(context.Context, *realtime.Peer, string, error) meeting.Failure {
	return meeting.Failure{}
}

// nowhere is a Sink without peers.
type nowhere struct{}

func (nowhere) Broadcast(context.Context, string, *realtime.Message, *realtime.Peer) {}
func (nowhere) Send(context.Context, *realtime.Peer, *realtime.Message)              {}
