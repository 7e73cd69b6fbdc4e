package mux

import "github.com/yodelrpc/yodel/rpc"

// encodeDetails returns the details of e as the caller takes them. Where they cannot be encoded, the call's error is
// another one.
func (sc *serverCall) encodeDetails(e *rpc.Error, exited func(*rpc.Error)) (details []rpc.Detail, fault *rpc.Error) {
	returned := false
	defer func() {
		if !returned {
			fault = sc.guard().Caught("what encodes the error's details", recover(), exited)
		}
	}()
	details, err := e.EncodeDetails(rpc.DetailWire, int(sc.conn.peerDetails), sc.conn.server.dispatcher.Log)
	returned = true
	if err != nil {
		return nil, rpc.Errorf(rpc.Internal, "the error cannot be encoded: %w", err)
	}
	return details, nil
}
