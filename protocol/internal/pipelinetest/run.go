package pipelinetest

import (
	"testing"
	"testing/synctest"

	"github.com/yodelrpc/yodel/internal/interop/every"
	"github.com/yodelrpc/yodel/internal/nettest"
	"github.com/yodelrpc/yodel/rpc"
)

// A test is one of the suite's. Networks says whether it is about the network.
type test struct {
	name string
	run  func(t *testing.T, p Protocol, n nettest.Network)
}

var tests = []test{
	{"calls", testCalls},
	{"errors", testErrors},
	{"many callers", testManyCallers},
	{"cancelled call keeps its place", testCancel},
	{"deadline", testDeadline},
	{"withdrawn call", testWithdrawn},
	{"server that reads nothing", testDeafServer},
	{"client that reads nothing", testDeafClient},
	{"disconnect ends the handler's context", testDisconnect},
	{"disconnect behind requests", testDisconnectBehind},
	{"much is sent without an answer", testAhead},
	{"answers before a slow call are not held back", testSlowCall},
	{"shutdown", testShutdown},
	{"shutdown under load", testShutdownLoad},
	{"shutdown that takes too long", testShutdownCut},
	{"shutdown before a connection comes", testLate},
	{"shutdown in the middle of a request", testShutdownMidway},
	{"close", testClose},
	{"connection lost", testLost},
	{"too large", testTooLarge},
	{"calls limit", testCallsLimit},
	{"cut at each byte", testCuts},
	{"split at each byte", testSplits},
	{"random operations", testRandom},
	{"random ends of servers", testStress},
}

// Run tests the protocol on each network.
func Run(t *testing.T, p Protocol) {
	for _, n := range nettest.All {
		t.Run(n.Name, func(t *testing.T) {
			t.Parallel()
			for _, test := range tests {
				t.Run(test.name, func(t *testing.T) {
					t.Parallel()
					test.run(t, p, n)
				})
			}
		})
	}
	for _, test := range timedTests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { test.run(t, p, nettest.Memory) })
		})
	}
}

// timedTests run on connections in memory, where time goes by at once.
var timedTests = []test{
	{"slow requests", testSlowRequest},
	{"slow first requests", testSlowFirst},
	{"stall in the middle of an answer", testStalledAnswer},
	{"stall of what takes answers", testStalledWrite},
	{"idle connections stay", testIdle},
	{"call time", testCallTime},
	{"connection that the network swallows", testSwallowed},
	{"server that is busy", testBusy},
	{"shutdown beside a client that reads nothing", testShutdownDeaf},
	{"shutdown beside a client that reads slowly", testShutdownSlow},
	{"shutdown beside a request that takes long", testShutdownLong},
}

func echo(c rpc.Conn) *every.EchoClient { return every.NewEchoClient(c) }
