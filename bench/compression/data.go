package main

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
)

// A kind is what messages hold.
type kind struct {
	name string
	fill func(n int) []byte
	all  *sync.Map // what fill made, by n
}

var kinds = []kind{
	{"text", text, new(sync.Map)},
	{"protobuf", records, new(sync.Map)},
	{"random", random, new(sync.Map)},
}

const variety = 1 << 20 // bytes that messages are cut from

// message returns message number i of n bytes, always the same.
func (k kind) message(i, n int) []byte {
	all, ok := k.all.Load(n)
	if !ok {
		all, _ = k.all.LoadOrStore(n, k.fill(variety+n))
	}
	at := i * 7919 % variety
	return all.([]byte)[at : at+n]
}

// text is words that come as often as words do, numbers and marks.
func text(n int) []byte {
	r := rand.New(rand.NewPCG(1, 1))
	words := make([]string, 4000)
	for i := range words {
		var w strings.Builder
		for range 2 + r.IntN(8) {
			w.WriteByte("etaoinshrdlucmfwypvbgkjqxz"[min(25, int(r.ExpFloat64()*6))])
		}
		words[i] = w.String()
	}
	often := rand.NewZipf(r, 1.1, 2, uint64(len(words)-1))
	var b strings.Builder
	for b.Len() < n {
		b.WriteString(words[often.Uint64()])
		switch r.IntN(12) {
		case 0:
			b.WriteString(", ")
		case 1:
			fmt.Fprintf(&b, " %d. ", r.IntN(10_000))
		default:
			b.WriteByte(' ')
		}
	}
	return []byte(b.String()[:n])
}

// records is messages of protobuf's wire format: an id, a time, a place, a state, a name.
func records(n int) []byte {
	r := rand.New(rand.NewPCG(2, 2))
	states := []string{"active", "pending", "closed", "unknown"}
	var b []byte
	now := uint64(1_700_000_000_000)
	for len(b) < n {
		var m []byte
		m = binary.AppendUvarint(append(m, 0x08), r.Uint64N(1<<40))
		now += r.Uint64N(5000)
		m = binary.AppendUvarint(append(m, 0x10), now)
		m = binary.LittleEndian.AppendUint64(append(m, 0x19), r.Uint64()>>12|0x4040<<48)
		s := states[min(3, int(r.ExpFloat64()))]
		m = append(append(m, 0x22, byte(len(s))), s...)
		name := fmt.Sprintf("customer-%05d", r.IntN(3000))
		m = append(append(m, 0x2a, byte(len(name))), name...)
		b = append(append(b, 0x0a, byte(len(m))), m...)
	}
	return b[:n]
}

func random(n int) []byte {
	r := rand.New(rand.NewPCG(3, 3))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}
