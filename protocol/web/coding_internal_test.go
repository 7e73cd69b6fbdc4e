package web

import (
	"net/http"
	"testing"

	"github.com/yodelrpc/yodel/compress"
)

// acceptCases are fields Accept-Encoding, and what a server with gzip and zstd, in this order, answers in.
var acceptCases = []struct {
	field  string
	coding string // "" for none
	forced bool
	err    bool
}{
	{field: "", coding: ""},
	{field: "gzip", coding: "gzip"},
	{field: "x-gzip", coding: "gzip"},
	{field: "GZIP", coding: "gzip"},
	{field: "br, zstd, gzip", coding: "gzip"},
	{field: "br", coding: ""},
	{field: "*", coding: "gzip"},
	{field: "gzip;q=0, *", coding: "zstd"},
	{field: "gzip;q=0", coding: ""},
	{field: "gzip; q=0.5 , zstd ;Q=0.8", coding: "zstd"},
	{field: "gzip;q=0.5, identity;q=0.6", coding: ""},
	{field: "gzip;q=0.5, identity;q=0.5", coding: "gzip"},
	{field: "identity", coding: ""},
	{field: "identity;q=0, gzip", coding: "gzip", forced: true},
	{field: "gzip, *;q=0", coding: "gzip", forced: true},
	{field: "identity;q=0", err: true},
	{field: "identity;q=0, br", err: true},
	{field: "*;q=0", err: true},
	{field: "*;q=0, identity", coding: ""},
	{field: "*;q=0, identity;q=0.001", coding: ""},
	{field: "gzip;q=0.000", coding: ""},
	{field: "gzip;q=0.0001", coding: ""},        // no weight: left out
	{field: "gzip;q=2, zstd", coding: "zstd"},   // nor this
	{field: "gzip;q=, zstd", coding: "zstd"},    // nor this
	{field: "gzip;q=1e0, zstd", coding: "zstd"}, // nor this
	{field: "gzip;level=1, zstd", coding: "zstd"},
	{field: ",,;q=1,", coding: ""},
}

func acceptCodings() *codings {
	return &codings{Options: compress.Options{Codecs: []compress.Codec{{Name: "gzip"}, {Name: "zstd"}}}}
}

func TestAcceptEncoding(t *testing.T) {
	t.Parallel()
	for _, test := range acceptCases {
		codec, forced, err := acceptCodings().accepted(http.Header{"Accept-Encoding": {test.field}})
		name := ""
		if codec != nil {
			name = codec.Name
		}
		if name != test.coding || forced != test.forced || (err != nil) != test.err {
			t.Errorf("%q: %q, forced %t, %v; want %+v", test.field, name, forced, err, test)
		}
	}
	if codec, forced, err := acceptCodings().accepted(http.Header{}); codec != nil || forced || err != nil {
		t.Errorf("without the field: %v, forced %t, %v", codec, forced, err)
	}
	never := acceptCodings()
	never.Policy = compress.Never
	if codec, forced, err := never.accepted(http.Header{"Accept-Encoding": {"gzip"}}); codec == nil || forced ||
		err != nil {
		t.Errorf("Never: %v, %v", codec, err)
	}
	if _, _, err := never.accepted(http.Header{"Accept-Encoding": {"gzip, identity;q=0"}}); err == nil {
		t.Error("Never: answers one that takes only gzip")
	}
}

func FuzzAcceptEncoding(f *testing.F) {
	for _, test := range acceptCases {
		f.Add(test.field)
	}
	f.Fuzz(func(t *testing.T, field string) {
		codec, forced, err := acceptCodings().accepted(http.Header{"Accept-Encoding": {field}})
		w := acceptWeights([]string{field})
		for name, q := range w {
			if q < 0 || q > 1 {
				t.Fatalf("the weight of %q is %v", name, q)
			}
		}
		switch {
		case codec != nil && (err != nil || w.of(codec.Name) == 0):
			t.Fatalf("%s, which the client does not take", codec.Name)
		case codec == nil && forced:
			t.Fatal("forced into none")
		case err != nil && (w.of("gzip") > 0 || w.of("zstd") > 0 || w["identity"] > 0):
			t.Fatalf("%v, although the client takes something", err)
		}
	})
}
