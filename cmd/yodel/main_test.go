package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestGoTool uses the tool as somebody else's module does.
func TestGoTool(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	newModule(t, dir, "example.org/user")
	runInModule(t, dir, "go get -tool github.com/yodelrpc/yodel/cmd/yodel")
	writeFile(t, filepath.Join(dir, "divide", "divide.yodel"), definition+"\n")
	if got := runInModule(t, dir, "go tool yodel version"); !strings.HasPrefix(got, "yodel ") {
		t.Errorf("go tool yodel version prints %q", got)
	}
	runInModule(t, dir,
		"go tool yodel check divide/divide.yodel && go tool yodel gen divide/divide.yodel && go vet ./...")
}
