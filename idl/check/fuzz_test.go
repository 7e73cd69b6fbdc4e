package check_test

import (
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/yodelrpc/yodel/idl/check"
)

// FuzzCheck: whatever two files hold, of which the first may import the second, there is either a schema or an error,
// and each diagnostic says where and what to do.
func FuzzCheck(f *testing.F) {
	paths, err := filepath.Glob("testdata/errors/*.yodel")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range paths {
		src, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src, []byte("package other\nstruct Point {}"))
	}
	f.Add([]byte(calc), []byte("package acme.common\nstruct Secret { 1: string text }"))
	f.Fuzz(func(t *testing.T, main, common []byte) {
		dir := fstest.MapFS{"main.yodel": {Data: main}, "common.yodel": {Data: common}}
		files, diags := check.Files(loader(dir), "main.yodel")
		if (len(files) == 1) != (diags.Err() == nil) {
			t.Errorf("got %d files and %s", len(files), diags.Error())
		}
		for _, d := range diags {
			if d.Message == "" || d.Remedy == "" || d.Line == 0 && d.Message != "too many errors" && len(main) < 1<<20 {
				t.Errorf("incomplete diagnostic %+v", d)
			}
		}
	})
}
