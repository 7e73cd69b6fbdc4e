package auth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/yodelrpc/yodel/rpc"
)

// Key is the key of metadata in which a token travels, as it does in HTTP (RFC 6750, section 2.1):
// "authorization: Bearer TOKEN".
const Key = "authorization"

const scheme = "Bearer "

// ErrUnknownToken is what a check of tokens may return for one that is not valid, where there is no more to say.
var ErrUnknownToken = errors.New("the token is not one that is known")

// Bearer returns the authenticator of calls with a bearer token, for which check says whose it is, or returns an error,
// which only the log sees. An identity without a Kind is of the kind "bearer".
//
// Tokens travel over mux, over HTTP and in process; basic and line carry no metadata. Whoever has a token is its owner,
// so it is for TLS or a unix socket; [Token] sends it nowhere else.
func Bearer(check func(ctx context.Context, token string) (*Identity, error)) Authenticator {
	return func(ctx context.Context, c *rpc.Call) (*Identity, error) {
		token, err := bearerOf(rpc.IncomingMetadata(ctx))
		if token == "" || err != nil {
			return nil, err
		}
		who, err := check(ctx, token)
		switch {
		case err != nil:
			return nil, err
		case who == nil:
			return nil, errors.New("the check of the token returned neither an identity nor an error")
		}
		return who.of("bearer"), nil
	}
}

// bearerOf returns the token of a call, "" where it has none.
func bearerOf(md rpc.Metadata) (string, error) {
	values := md[Key]
	if len(values) == 0 {
		return "", nil
	}
	if len(values) > 1 {
		return "", fmt.Errorf("the call has %q %d times; once is enough", Key, len(values))
	}
	value := values[0]
	if len(value) < len(scheme) || !strings.EqualFold(value[:len(scheme)], scheme) {
		return "", fmt.Errorf("the value of %q does not begin with %q", Key, scheme)
	}
	token := strings.Trim(value[len(scheme):], " ")
	if token == "" {
		return "", fmt.Errorf("the value of %q has no token", Key)
	}
	return token, nil
}

// of returns i, with the kind where it has none.
func (i *Identity) of(kind string) *Identity {
	if i.Kind != "" {
		return i
	}
	named := *i
	named.Kind = kind
	return &named
}

// Tokens returns a check for [Bearer] that knows a fixed set of tokens. It compares each call's with all of them, in a
// time that does not depend on how much of one is right, and keeps only their hashes. It fails at an empty token, as of
// a variable of the environment that is not set, and at one that is shorter than 16 bytes, which can be guessed.
func Tokens(tokens map[string]Identity) (func(ctx context.Context, token string) (*Identity, error), error) {
	type known struct {
		hash [sha256.Size]byte
		who  *Identity
	}
	var all []known
	for _, token := range slices.Sorted(maps.Keys(tokens)) {
		who := tokens[token]
		if len(token) < shortest {
			return nil, fmt.Errorf("auth: the token of %q has %d bytes; make it %d at least, at random", who.Name,
				len(token), shortest)
		}
		all = append(all, known{sha256.Sum256([]byte(token)), who.of("bearer")})
	}
	if len(all) == 0 {
		return nil, errors.New("auth: there are no tokens, so that none would be valid")
	}
	return func(_ context.Context, token string) (*Identity, error) {
		hash := sha256.Sum256([]byte(token))
		var who *Identity
		for i := range all {
			if subtle.ConstantTimeCompare(hash[:], all[i].hash[:]) == 1 {
				who = all[i].who
			}
		}
		if who == nil {
			return nil, ErrUnknownToken
		}
		return who, nil
	}, nil
}

// shortest is how many bytes a fixed token has at least.
const shortest = 16
