package jwt_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	golangjwt "github.com/golang-jwt/jwt/v5"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/examples/divide"
	"github.com/yodelrpc/yodel/intercept/auth"
	"github.com/yodelrpc/yodel/intercept/jwt"
	"github.com/yodelrpc/yodel/rpc"
)

const unsafeNone = golangjwt.UnsafeAllowNoneSignatureType

var now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func newKey(tb testing.TB) *ecdsa.PrivateKey {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

func options(key *ecdsa.PrivateKey) jwt.Options {
	return jwt.Options{
		Issuer: "https://login.example.com", Audience: "orders", Algorithms: []string{"ES256"},
		Keys: jwt.StaticKeys(map[string]any{"1": &key.PublicKey}), Now: func() time.Time { return now },
	}
}

// claims returns good ones, but for the changes; nil takes a claim away.
func claims(changes map[string]any) golangjwt.MapClaims {
	c := golangjwt.MapClaims{
		"iss": "https://login.example.com", "aud": []string{"mail", "orders"}, "sub": "ada", "scope": "read write",
		"exp": now.Add(time.Minute).Unix(), "iat": now.Add(-time.Minute).Unix(),
	}
	for k, v := range changes {
		if c[k] = v; v == nil {
			delete(c, k)
		}
	}
	return c
}

func sign(tb testing.TB, method golangjwt.SigningMethod, key any, header map[string]any,
	c golangjwt.MapClaims) string {
	tb.Helper()
	t := golangjwt.NewWithClaims(method, c)
	t.Header["kid"] = "1"
	for k, v := range header {
		t.Header[k] = v
	}
	text, err := t.SignedString(key)
	if err != nil {
		tb.Fatal(err)
	}
	return text
}

func TestGoodToken(t *testing.T) {
	t.Parallel()
	key := newKey(t)
	check, err := jwt.New(options(key))
	if err != nil {
		t.Fatal(err)
	}
	who, err := check(t.Context(), sign(t, golangjwt.SigningMethodES256, key, nil, claims(nil)))
	if err != nil || who.String() != "jwt:ada" || !slices.Equal(who.Roles, []string{"read", "write"}) {
		t.Errorf("got %v, %v", who, err)
	}
	if all, ok := who.Claims.(map[string]any); !ok || all["iss"] != "https://login.example.com" {
		t.Errorf("the claims are %v", who.Claims)
	}
}

func TestBadTokens(t *testing.T) {
	t.Parallel()
	key, other := newKey(t), newKey(t)
	check, err := jwt.New(options(key))
	if err != nil {
		t.Fatal(err)
	}
	es := golangjwt.SigningMethodES256
	signed := func(changes map[string]any) string { return sign(t, es, key, nil, claims(changes)) }
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	good := strings.Split(signed(nil), ".")
	forged := strings.Split(signed(map[string]any{"sub": "root"}), ".")
	for name, token := range map[string]string{
		"no token":             "abc",
		"of another issuer":    signed(map[string]any{"iss": "https://example.org"}),
		"without issuer":       signed(map[string]any{"iss": nil}),
		"for another audience": signed(map[string]any{"aud": "mail"}),
		"without audience":     signed(map[string]any{"aud": nil}),
		"over":                 signed(map[string]any{"exp": now.Add(-time.Second).Unix()}),
		"without end":          signed(map[string]any{"exp": nil}),
		"not yet good":         signed(map[string]any{"nbf": now.Add(time.Minute).Unix()}),
		"of the future":        signed(map[string]any{"iat": now.Add(time.Minute).Unix()}),
		"without subject":      signed(map[string]any{"sub": nil}),
		"an empty subject":     signed(map[string]any{"sub": ""}),
		"a number for subject": signed(map[string]any{"sub": 7}),
		"another's key":        sign(t, es, other, nil, claims(nil)),
		"an unknown kid":       sign(t, es, key, map[string]any{"kid": "2"}, claims(nil)),
		"a number for kid":     sign(t, es, key, map[string]any{"kid": 1}, claims(nil)),
		"crit":                 sign(t, es, key, map[string]any{"crit": []string{"x"}}, claims(nil)),
		"no signature":         sign(t, golangjwt.SigningMethodNone, unsafeNone, nil, claims(nil)),
		"public key as secret": sign(t, golangjwt.SigningMethodHS256, public, nil, claims(nil)),
		"cut off":              good[0] + "." + good[1] + ".",
		"changed":              good[0] + "." + forged[1] + "." + good[2],
	} {
		if who, err := check(t.Context(), token); err == nil || who != nil {
			t.Errorf("a token that is %s is taken: %v", name, who)
		} else if strings.Contains(err.Error(), token) {
			t.Errorf("%s: the error has the token: %v", name, err)
		}
	}
}

func TestBadOptions(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*jwt.Options){
		"issuer":     func(o *jwt.Options) { o.Issuer = "" },
		"audience":   func(o *jwt.Options) { o.Audience = "" },
		"keys":       func(o *jwt.Options) { o.Keys = nil },
		"algorithms": func(o *jwt.Options) { o.Algorithms = nil },
		"none":       func(o *jwt.Options) { o.Algorithms = []string{"none"} },
		"mixed":      func(o *jwt.Options) { o.Algorithms = []string{"ES256", "HS256"} },
		"leeway":     func(o *jwt.Options) { o.Leeway = time.Hour },
	} {
		o := options(newKey(t))
		change(&o)
		if _, err := jwt.New(o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// No bytes make the check panic, and none but those of a signed token are taken.
func FuzzCheck(f *testing.F) {
	key := newKey(f)
	check, err := jwt.New(options(key))
	if err != nil {
		f.Fatal(err)
	}
	good := sign(f, golangjwt.SigningMethodES256, key, nil, claims(nil))
	f.Add("")
	f.Add("a.b.c")
	f.Add(good)
	f.Add(sign(f, golangjwt.SigningMethodNone, unsafeNone, nil, claims(nil)))
	f.Fuzz(func(t *testing.T, token string) {
		// The signature of a token is not always the only one: its text before is.
		if who, err := check(t.Context(), token); err == nil && token[:strings.LastIndex(token, ".")] !=
			good[:strings.LastIndex(good, ".")] {
			t.Errorf("%q is taken for %v", token, who)
		}
	})
}

func BenchmarkCheck(b *testing.B) {
	key := newKey(b)
	check, err := jwt.New(options(key))
	if err != nil {
		b.Fatal(err)
	}
	token := sign(b, golangjwt.SigningMethodES256, key, nil, claims(nil))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := check(b.Context(), token); err != nil {
			b.Fatal(err)
		}
	}
}

type greeter struct{}

// Divide says who calls.
func (greeter) Divide(ctx context.Context, num1, num2 int32) (float32, error) {
	fmt.Println(auth.From(ctx), "calls")
	return float32(num1) / float32(num2), nil
}

func Example() {
	secret := []byte("a secret of 32 bytes at the least")
	check, err := jwt.New(jwt.Options{
		Issuer: "login", Audience: "calculator", Algorithms: []string{"HS256"},
		Keys: jwt.StaticKeys(map[string]any{"": secret}),
	})
	if err != nil {
		panic(err)
	}
	guard, err := auth.Options{}.Interceptor(auth.Bearer(check))
	if err != nil {
		panic(err)
	}
	srv := yodel.ServerOptions{Interceptors: []rpc.Interceptor{guard}}.NewServer(divide.NewService(greeter{}))
	defer srv.Close()

	token, err := golangjwt.NewWithClaims(golangjwt.SigningMethodHS256, golangjwt.MapClaims{
		"iss": "login", "aud": "calculator", "sub": "ada", "exp": time.Now().Add(time.Hour).Unix(),
	}).SignedString(secret)
	if err != nil {
		panic(err)
	}
	send, err := auth.Static(token).Interceptor()
	if err != nil {
		panic(err)
	}
	ch := yodel.InProcessOptions{Interceptors: []rpc.Interceptor{send}}.Channel(srv)
	defer ch.Close()
	fmt.Println(divide.NewClient(ch).Divide(context.Background(), 200))
	// Output:
	// jwt:ada calls
	// 200 <nil>
}
