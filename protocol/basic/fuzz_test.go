package basic_test

import (
	"testing"

	"github.com/yodelrpc/yodel/protocol/internal/pipelinetest"
)

func FuzzServer(f *testing.F) {
	var seeds [][]byte
	for _, v := range readVectors(f) {
		seeds = append(seeds, request(v.Method, v.Arguments))
	}
	var bad []struct{ Request hexBytes }
	readJSON(f, "testdata/bad.json", &bad)
	for _, v := range bad {
		seeds = append(seeds, v.Request)
	}
	pipelinetest.FuzzServer(f, protocol, seeds...)
}

func FuzzClient(f *testing.F) {
	var seeds [][]byte
	for _, v := range readVectors(f) {
		seeds = append(seeds, v.Response)
	}
	pipelinetest.FuzzClient(f, protocol, seeds...)
}
