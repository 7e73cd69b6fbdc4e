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
	files, diagnostics := check.Files(os.ReadFile, "../../protocol/basic/testdata/every.yodel")
	if len(files) != 1 {
		t.Fatal(diagnostics.Err())
	}
	got, err := golang.Generate(files[0], golang.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("every/every.go")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("every/every.go is not what the generator makes; run go generate ./internal/interop")
	}
}
