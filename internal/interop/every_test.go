package interop_test

import (
	"bytes"
	"os"
	"testing"

	"github.com/yodelrpc/yodel/idl/check"
	"github.com/yodelrpc/yodel/idl/gen/golang"
)

// Package every, which the protocols' tests use as well, is what the generator makes.
func TestEveryIsCurrent(t *testing.T) {
	t.Parallel()
	isCurrent(t, "../../protocol/basic/testdata/every.yodel", "every/every.go")
}

func TestFeedsIsCurrent(t *testing.T) {
	t.Parallel()
	isCurrent(t, "feeds/feeds.yodel", "feeds/feeds.go")
}

func isCurrent(t *testing.T, definition, generated string) {
	t.Helper()
	files, diagnostics := check.Files(os.ReadFile, definition)
	if len(files) != 1 {
		t.Fatal(diagnostics.Err())
	}
	got, err := golang.Generate(files[0], golang.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(generated)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what the generator makes; run go generate ./internal/interop", generated)
	}
}
