package pipelinetest

import "testing"

// Run tests the protocol on each network.
func Run(t *testing.T, p Protocol) {}
