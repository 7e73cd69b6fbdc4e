package main

import (
	"context"
	"fmt"
	"os/exec"
	"strings"

	"github.com/yodelrpc/yodel/bench/target"
)

const repository = "github.com/yodelrpc/yodel"

// minimalClient counts the packages outside the standard library and this repository that a client needs which uses
// generated code and the mux protocol and nothing else. It asks the go command, from within this module.
func minimalClient(ctx context.Context) target.Verdict {
	v := target.Verdict{Text: "the minimal client: packages outside the standard library"}
	list := exec.CommandContext(ctx, "go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}",
		repository+"/bench/yodel/bench", repository+"/protocol/mux")
	out, err := list.Output()
	if err != nil {
		v.Missing = fmt.Errorf("%v: %w", list.Args[:2], err)
		return v
	}
	var foreign []string
	for path := range strings.FieldsSeq(string(out)) {
		if !strings.HasPrefix(path, repository+"/") {
			foreign = append(foreign, path)
		}
	}
	v.Figure = target.Figure{Value: float64(len(foreign)), From: strings.Join(foreign, ", ")}
	return v
}
