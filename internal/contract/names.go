package contract

import "math"

// nameTable finds a property by name. Its hash looks at the length and three bytes; the multipliers are chosen when it is
// built so that the names of one object rarely share a slot, and a lookup compares one name.
type nameTable struct {
	properties []property
	slots      []int16 // index into properties, -1 if empty; a power of two long
	factor     uint32
}

// maxProperties is how many names one object can have; it keeps the slots small.
const maxProperties = 4096

func newNameTable(properties []property) nameTable {
	t := nameTable{properties: properties}
	if len(properties) == 0 {
		return t
	}
	size := 4
	for size < 2*len(properties) {
		size *= 2
	}
	best := math.MaxInt
	for factor := uint32(0x9E3779B1); factor != 0x9E3779B1+2*64; factor += 2 {
		slots, collisions := fillSlots(properties, size, factor)
		if collisions < best {
			best, t.slots, t.factor = collisions, slots, factor
		}
		if best == 0 {
			break
		}
	}
	return t
}

// fillSlots places every property in the first free slot from its hash on.
func fillSlots(properties []property, size int, factor uint32) (slots []int16, collisions int) {
	slots = make([]int16, size)
	for i := range slots {
		slots[i] = -1
	}
	for i, p := range properties {
		h := nameHash([]byte(p.name), factor) & uint32(size-1)
		for slots[h] >= 0 {
			collisions++
			h = (h + 1) & uint32(size-1)
		}
		slots[h] = int16(i)
	}
	return slots, collisions
}

func nameHash(name []byte, factor uint32) uint32 {
	n := len(name)
	if n == 0 {
		return 0
	}
	h := uint32(n) | uint32(name[0])<<8 | uint32(name[n/2])<<16 | uint32(name[n-1])<<24
	h *= factor
	return h ^ h>>15
}

// find returns the property of that name, nil if there is none.
func (t *nameTable) find(name []byte) *property {
	if len(t.slots) == 0 {
		return nil
	}
	mask := uint32(len(t.slots) - 1)
	for h := nameHash(name, t.factor) & mask; ; h = (h + 1) & mask {
		i := t.slots[h]
		if i < 0 {
			return nil
		}
		if p := &t.properties[i]; p.name == string(name) {
			return p
		}
	}
}
