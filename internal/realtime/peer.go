package realtime

import "sync/atomic"

// Peer is one connection. Its identity is the system's matter and may change while it lives: a command like LOGIN
// identifies a peer that connected as nobody. It is safe for concurrent use.
type Peer struct {
	id       string
	wire     Wire
	address  string
	identity atomic.Pointer[identity]
	lost     atomic.Bool
}

type identity struct {
	role   string
	caller any
}

// NewPeer returns a peer without identity. The id is unique for the life of the process and becomes part of room keys;
// address is the remote IP address, without port.
func NewPeer(id string, wire Wire, address string) *Peer {
	p := &Peer{id: id, wire: wire, address: address}
	p.identity.Store(&identity{})
	return p
}

// ID is the connection's identifier.
func (p *Peer) ID() string { return p.id }

// Wire says over which wire the peer talks.
func (p *Peer) Wire() Wire { return p.wire }

// Address is the peer's IP address.
func (p *Peer) Address() string { return p.address }

// Role is the role that x-roles of the contract is compared with; empty for a peer that has not identified itself.
func (p *Peer) Role() string { return p.identity.Load().role }

// Caller is what the system gave to Identify, or nil.
func (p *Peer) Caller() any { return p.identity.Load().caller }

// Identify sets who the peer is, at connection or later. An empty role with a nil caller takes the identity away.
func (p *Peer) Identify(role string, caller any) { p.identity.Store(&identity{role, caller}) }

// Lose notes that the connection broke rather than was closed. A wire that can tell calls it before Gateway.Closed.
func (p *Peer) Lose() { p.lost.Store(true) }

// Lost reports, from Lifecycle.Disconnected on, whether the connection broke without a word from the peer: what it was sent
// last, from shortly before the wire had reason to doubt, may not have arrived.
func (p *Peer) Lost() bool { return p.lost.Load() }

// Wire is one way of putting messages into bytes. A bit set of wires says where a message or a property exists.
type Wire uint8

// The wires that a contract's servers choose from.
const (
	WireSocketIO Wire = 1 << iota // protocol: socketio
	WireEnvelope                  // protocol: ws, {"type":…,"data":…}
	WireCommand                   // protocol: ws, {"command":…, the payload's members}
	WireKeyValue                  // protocol: tcp, NAME LF (key:value LF)*

	AllWires = WireSocketIO | WireEnvelope | WireCommand | WireKeyValue
)

// String is the name of a single wire as x-wires spells it.
func (w Wire) String() string {
	switch w {
	case WireSocketIO:
		return "socketio"
	case WireEnvelope:
		return "envelope"
	case WireCommand:
		return "command"
	case WireKeyValue:
		return "keyvalue"
	}
	return "several"
}
