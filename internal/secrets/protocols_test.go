package secrets_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/internal/secrets"
	"github.com/yodelrpc/yodel/rpc"
	"github.com/yodelrpc/yodel/wire"
)

// vault fails in the way that the first argument says.
type vault struct{}

func (vault) Store(_ context.Context, shown string, _ bool, small int32, text string, _ []byte, _ time.Time,
	_ time.Duration,
	_ secrets.Level, _ []string, _ map[string]string, _ secrets.Plain, _ secrets.Open, _ *string, _ float64,
	h secrets.Holder,
	s secrets.Secret,
) error {
	switch shown {
	case "panic":
		check(small)
	case "denied":
		return &secrets.Denied{Message: "no", Token: text, Fields: h.Fields}
	case "hushed, wrapped":
		return fmt.Errorf("wrapped: %w", &secrets.Hushed{Message: text, Number: small})
	case "holder in an error":
		return fmt.Errorf("cannot store %v and %v", h, s)
	}
	return nil
}

// check panics while its argument is in use, so that the runtime's stack trace has it.
//
//go:noinline
func check(pin int32) {
	if pin > 0 {
		panic("on purpose")
	}
	fmt.Println(pin)
}

func (vault) Load(context.Context, string) (secrets.Holder, error) {
	return secrets.Holder{Fields: secrets.Fields{Text: text + "\xff"}}, nil
}

// A safeBuffer is a buffer that several goroutines write to.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func serve(t *testing.T) (address string, logged *safeBuffer) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	logged = new(safeBuffer)
	server := yodel.ServerOptions{
		Logger: slog.New(slog.NewTextHandler(logged, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}.NewServer(secrets.NewVaultService(vault{}))
	served := make(chan error, 1)
	go func() { served <- server.Serve(context.Background(), ln) }()
	t.Cleanup(func() {
		_ = server.Close()
		<-served
		find(t, "the server's log", logged.String())
		if strings.Contains(logged.String(), "secrets_test.check(") {
			t.Errorf("the log shows arguments of functions: %s", logged.String())
		}
	})
	return ln.Addr().String(), logged
}

// TestFailures makes calls fail in every way, and looks for what they carried in errors and in the log.
func TestFailures(t *testing.T) {
	t.Parallel()
	address, _ := serve(t)
	bad := newHolder()
	bad.Fields.Texts = []string{text + "\xff"}
	badKey := newHolder()
	badKey.Fields.ByName = map[string]string{text + "\xff": ""}
	badTime := newHolder()
	badTime.Fields.Seen = time.Date(31337, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, protocol := range []string{"mux", "basic", "line", "http"} {
		ch, err := yodel.Dial(protocol + "://" + address)
		if err != nil {
			t.Fatal(err)
		}
		defer ch.Close()
		c := secrets.NewVaultClient(ch)
		store := func(shown string, h secrets.Holder, s secrets.Secret, opts ...secrets.StoreOption) error {
			return c.Store(t.Context(), shown, true, number, text, data, seen, 7777777, secrets.LevelHigh,
				[]string{text},
				map[string]string{text: text}, plain, secrets.OpenText{Text: text}, h, s, opts...)
		}
		good := members()[0]
		for name, err := range map[string]error{
			"panic": store("panic", newHolder(), good), "denied": store("denied", newHolder(), good),
			"hushed":             store("hushed, wrapped", newHolder(), good),
			"holder in an error": store("holder in an error", newHolder(), good),
			"bad text":           store("", bad, good), "bad key": store("", badKey, good),
			"bad time":     store("", badTime, good),
			"bad member":   store("", newHolder(), secrets.SecretText{Text: text + "\xff"}),
			"bad argument": store("", newHolder(), good, secrets.MaybeText(text+"\xff")),
		} {
			if err == nil {
				t.Errorf("%s: %s is no error", protocol, name)
				continue
			}
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d"} {
				if _, ok := err.(*rpc.Error); ok && (verb == "%#v" || verb == "%d") {
					continue // addresses
				}
				find(t, protocol+", "+name, fmt.Sprintf(verb, err))
			}
		}
		_, err = c.Load(t.Context(), text)
		if find(t, protocol+", a result that cannot be written", fmt.Sprint(err)); err == nil {
			t.Error("it is no error")
		}
	}
}

// TestBadJSON sends each sensitive argument and field as what it is not.
func TestBadJSON(t *testing.T) {
	t.Parallel()
	address, _ := serve(t)
	nc, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	answers := bufio.NewReader(nc)
	refuse := func(params string) {
		t.Helper()
		_, _ = io.WriteString(nc, `{"name": "store", "params": {`+params+"}}\n")
		answer, err := answers.ReadString('\n')
		if err != nil || !strings.Contains(answer, "invalid_argument") {
			t.Errorf("%s is answered by %s, %v", params, answer, err)
		}
		find(t, params, answer)
	}
	values := []string{
		`"hunter2"`, `31337`, `31337.31337`, `"31337"`, `true`, `["hunter2", 31337, {}]`, `[31337, "hunter2"]`,
		`{"hunter2": 31337}`,
		`{"hunter2": "\ud800"}`, `{"hunter2": "hunter2", "hunter2": 1}`, `[{"hunter2": 1}]`, `{"text": 31337}`,
		`{"number": "hunter2"}`,
		`{"text": "hunter2", "number": 31337}`, `"1999-02-30T00:00:00Z"`, `"31337-01-01T00:00:00Z"`, `"7777777"`,
		`"hunter2\x"`, "\"hunter2\x01\"", "\"hunter2\xff\"", `31337hunter2`, `hunter2`, `"73501"`, `[["hunter2"]]`,
		`{"31337": "hunter2*", "31337": ""}`, `{"hunter2*": "czNjcjN0"}`, `1e31337`, `-31337e31337`,
	}
	fields := wire.TypeOf(new(secrets.Fields)).Fields
	for _, v := range values {
		for _, name := range strings.Fields(
			"flag small text data seen took level texts byName plain open maybeText real") {
			refuse(`"` + name + `": ` + v)
		}
		for i := range fields {
			if f := &fields[i]; f.Sensitive {
				refuse(`"holder": {"list": [{"` + f.JSONName + `": ` + v + `}]}`)
			}
		}
		for _, name := range strings.Fields("text number data plain format") {
			refuse(`"secret": {"` + name + `": ` + v + `}`)
		}
	}
}

// TestBadBasic does the same in the bytes of the basic protocol.
func TestBadBasic(t *testing.T) {
	t.Parallel()
	address, _ := serve(t)
	nc, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	sized := func(s string) string { return string(binary.BigEndian.AppendUint32(nil, uint32(len(s)))) + s }
	for name, arguments := range map[string]string{
		"bool":           "\x02\x31",
		"not UTF-8":      "\x04" + sized(text+"\xff"),
		"timestamp":      "\x06" + "\x00\x00\x00\x00\x00\x00\x00\x00" + "\x7a\x69\x7a\x69",
		"far timestamp":  "\x06" + "\x00\x00\x7a\x69\x00\x00\x00\x00" + "\x00\x00\x00\x00",
		"key twice":      "\x0a" + sized(sized(text)+sized("")+sized(text)+sized("")),
		"unknown number": "\x0b" + sized("\x31"+text),
		"in a holder":    "\x0f" + sized("\x01"+sized("\x10"+sized(sized(text)+sized("")+sized(text)+sized("")))),
	} {
		_, _ = io.WriteString(nc, sized("store")+sized(arguments))
		head := make([]byte, 5)
		if _, err := io.ReadFull(nc, head); err != nil || head[0] != 255 {
			t.Fatalf("%s: % x, %v", name, head, err)
		}
		message := make([]byte, binary.BigEndian.Uint32(head[1:]))
		if _, err := io.ReadFull(nc, message); err != nil || !bytes.HasPrefix(message, []byte("invalid_argument")) {
			t.Errorf("%s: %s, %v", name, message, err)
		}
		find(t, name, strings.Replace(string(message), "number 49", "", 1))
	}
}
