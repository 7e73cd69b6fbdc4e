package line_test

import (
	"testing"

	"github.com/yodelrpc/yodel/protocol/internal/pipelinetest"
)

func FuzzServer(f *testing.F) {
	var seeds [][]byte
	for _, file := range []string{"testdata/calls.json", "testdata/bad.json"} {
		for _, v := range readVectors(f, file) {
			seeds = append(seeds, []byte(v.Request+"\n"))
		}
	}
	pipelinetest.FuzzServer(f, protocol, seeds...)
}

func FuzzClient(f *testing.F) {
	var seeds [][]byte
	for _, v := range readVectors(f, "testdata/calls.json") {
		seeds = append(seeds, append(v.Response, '\n'))
	}
	pipelinetest.FuzzClient(f, protocol, seeds...)
}
