package syntax_test

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/yodelrpc/yodel/idl/syntax"
)

// FuzzParse: whatever the bytes, the parser returns, and an error has a place within the text.
func FuzzParse(f *testing.F) {
	addDefinitions(f)
	f.Fuzz(func(t *testing.T, src []byte) {
		file, diags := syntax.Parse("fuzz.yodel", src)
		if file == nil {
			t.Fatal("no tree")
		}
		for _, d := range diags {
			if d.Message == "" || d.Remedy == "" || d.String() == "" {
				t.Errorf("incomplete diagnostic %+v", d)
			}
		}
	})
}

// FuzzPrint: what parses is the same after it was printed, and printing that again changes nothing.
func FuzzPrint(f *testing.F) {
	addDefinitions(f)
	f.Fuzz(func(t *testing.T, src []byte) {
		first, diags := syntax.Parse("fuzz.yodel", src)
		if len(diags) > 0 {
			return
		}
		text := syntax.Print(first)
		second, diags := syntax.Parse("fuzz.yodel", text)
		if len(diags) > 0 {
			t.Fatalf("the printed text has errors:\n%s\n%s", diags.Error(), text)
		}
		if again := syntax.Print(second); string(again) != string(text) {
			t.Errorf("printed once:\n%s\ntwice:\n%s", text, again)
		}
		dropPlaces(reflect.ValueOf(first))
		dropPlaces(reflect.ValueOf(second))
		if !reflect.DeepEqual(first, second) {
			t.Errorf("the tree changed on the way through:\n%s", text)
		}
	})
}

// addDefinitions seeds a fuzz target with all that stands in testdata.
func addDefinitions(f *testing.F) {
	paths, err := filepath.Glob("testdata/*/*.yodel")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range paths {
		src, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src)
	}
}

// dropPlaces sets every place and the source in a tree to zero.
func dropPlaces(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			dropPlaces(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			dropPlaces(v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if field := v.Field(i); field.Type() == reflect.TypeFor[syntax.Pos]() ||
				v.Type().Field(i).Name == "Source" {
				field.SetZero()
			} else {
				dropPlaces(field)
			}
		}
	}
}
