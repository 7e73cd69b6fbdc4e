package compress_test

import (
	"strings"
	"testing"

	"github.com/yodelrpc/yodel/compress"
)

func TestValidate(t *testing.T) {
	t.Parallel()
	whole := compress.Codec{
		Name:       "rot-13",
		Floor:      10,
		Compress:   func(dst, src []byte) []byte { return append(dst, src...) },
		Decompress: func(dst, src []byte, _ int) ([]byte, error) { return append(dst, src...), nil },
	}
	for name, test := range map[string]struct {
		change func(*compress.Codec)
		want   string // "" for none
	}{
		"whole":         {func(*compress.Codec) {}, ""},
		"no floor":      {func(c *compress.Codec) { c.Floor = 0 }, ""},
		"no name":       {func(c *compress.Codec) { c.Name = "" }, `the name ""`},
		"upper case":    {func(c *compress.Codec) { c.Name = "S2" }, `the name "S2"`},
		"zero byte":     {func(c *compress.Codec) { c.Name = "s\x00" }, `the name "s\x00"`},
		"long name":     {func(c *compress.Codec) { c.Name = strings.Repeat("x", 33) }, "1 to 32"},
		"floor below 0": {func(c *compress.Codec) { c.Floor = -1 }, "Floor is -1"},
		"no Compress":   {func(c *compress.Codec) { c.Compress = nil }, "rot-13 lacks"},
		"no Decompress": {func(c *compress.Codec) { c.Decompress = nil }, "rot-13 lacks"},
	} {
		c := whole
		test.change(&c)
		switch err := c.Validate(); {
		case test.want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}
