// Package jwt checks JSON Web Tokens (RFC 7519) that callers send as bearer tokens:
//
//	check, err := jwt.New(jwt.Options{
//		Issuer: "https://login.example.com", Audience: "orders",
//		Algorithms: []string{"ES256"}, Keys: jwt.StaticKeys(map[string]any{"2026-11": publicKey}),
//	})
//	...
//	who, err := auth.Options{Logger: logger}.Interceptor(auth.Bearer(check))
//
// It is a module of its own, so that programs without it depend on nothing.
package jwt

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/yodelrpc/yodel/intercept/auth"
)

// Keys returns the key that checks a token's signature, by the kid of its header, "" where there is none: an
// *rsa.PublicKey, *ecdsa.PublicKey, ed25519.PublicKey or, for HMAC, []byte. It may be called by many goroutines at
// once. Nothing of a token has been verified at that point.
type Keys func(ctx context.Context, kid string) (any, error)

// StaticKeys are keys that are known beforehand, by their kid. A token without one is checked by that of "".
func StaticKeys(keys map[string]any) Keys {
	return func(_ context.Context, kid string) (any, error) {
		key, ok := keys[kid]
		if !ok {
			return nil, errors.New("no key has the token's kid")
		}
		return key, nil
	}
}

// A Check says whose a token is; [auth.Bearer] takes it.
type Check = func(ctx context.Context, token string) (*auth.Identity, error)

// Options are the choices of [New]. All but the last two are needed.
type Options struct {
	Issuer     string   // iss, as the token has to have it
	Audience   string   // one that aud has to have: this service
	Algorithms []string // that signatures may have: "ES256", "RS256", "EdDSA", ...; never "none"
	Keys       Keys

	Leeway time.Duration    // by which clocks may differ, at most 5 minutes; default none
	Now    func() time.Time // for tests; default time.Now
}

// asymmetric and symmetric are the algorithms of RFC 7518 and RFC 8037 that are known. Options have those of one kind:
// else a public key could be taken for a secret.
var (
	asymmetric = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
	symmetric  = []string{"HS256", "HS384", "HS512"}
)

// New returns a check of tokens for [auth.Bearer]. A token is good if its signature is, by an algorithm of the list, it
// is of the issuer and for the audience, it has an end (exp), which has not come, is not from the future (nbf, iat),
// and names somebody (sub). The Identity's Kind is "jwt", its Name the sub, its Roles those of the claim scope (RFC
// 8693, section 4.2), and its Claims all claims, a map[string]any.
func New(o Options) (Check, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	options := []jwt.ParserOption{
		jwt.WithValidMethods(slices.Clone(o.Algorithms)), jwt.WithIssuer(o.Issuer), jwt.WithAudience(o.Audience),
		jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithLeeway(o.Leeway), jwt.WithStrictDecoding(),
	}
	if o.Now != nil {
		options = append(options, jwt.WithTimeFunc(o.Now))
	}
	parser := jwt.NewParser(options...)
	return func(ctx context.Context, token string) (*auth.Identity, error) {
		all := jwt.MapClaims{}
		_, err := parser.ParseWithClaims(token, all, func(t *jwt.Token) (any, error) {
			if _, ok := t.Header["crit"]; ok { // RFC 7515, section 4.1.11: none of its extensions is understood here
				return nil, errors.New("the token's header has crit, which is not understood")
			}
			kid, ok := t.Header["kid"].(string)
			if _, set := t.Header["kid"]; set && !ok {
				return nil, errors.New("the token's kid is no string")
			}
			return o.Keys(ctx, kid)
		})
		if err != nil {
			return nil, err
		}
		return identity(all)
	}, nil
}

func (o *Options) validate() error {
	switch {
	case o.Issuer == "":
		return errors.New("jwt.Options.Issuer is empty; set the iss of tokens that are taken")
	case o.Audience == "":
		return errors.New("jwt.Options.Audience is empty: tokens for other services would be taken; set this one's aud")
	case o.Keys == nil:
		return errors.New("jwt.Options.Keys is nil; set it, as to jwt.StaticKeys")
	case len(o.Algorithms) == 0:
		return errors.New(`jwt.Options.Algorithms is empty; set those of the issuer, as "ES256"`)
	case o.Leeway < 0 || o.Leeway > 5*time.Minute:
		return fmt.Errorf("jwt.Options.Leeway is %v; it may be up to 5m", o.Leeway)
	}
	kinds := 0
	for _, kind := range [][]string{asymmetric, symmetric} {
		if slices.ContainsFunc(o.Algorithms, func(a string) bool { return slices.Contains(kind, a) }) {
			kinds++
		}
	}
	if kinds > 1 {
		return errors.New("jwt.Options.Algorithms has HMAC beside algorithms with public keys; make a check for each")
	}
	for _, a := range o.Algorithms {
		if !slices.Contains(asymmetric, a) && !slices.Contains(symmetric, a) {
			return fmt.Errorf("jwt.Options.Algorithms has %q; the known ones are %s", a,
				strings.Join(slices.Concat(asymmetric, symmetric), ", "))
		}
	}
	return nil
}

func identity(all jwt.MapClaims) (*auth.Identity, error) {
	sub, err := all.GetSubject()
	if err != nil || sub == "" {
		return nil, errors.New("the token has no sub that names its subject")
	}
	who := &auth.Identity{Kind: "jwt", Name: sub, Claims: map[string]any(all)}
	if scope, ok := all["scope"].(string); ok {
		who.Roles = strings.Fields(scope)
	}
	return who, nil
}
