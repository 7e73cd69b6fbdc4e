package mux_test

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yodelrpc/yodel/internal/interop/every"
	"github.com/yodelrpc/yodel/internal/nettest"
	"github.com/yodelrpc/yodel/protocol/mux"
	"github.com/yodelrpc/yodel/rpc"
)

// testdata/README.md says what the rows mean.
type vectors struct {
	Prefaces []struct {
		Name    string
		Hex     hexBytes
		Version byte
	}
	Frames   []frameVector
	Openings []struct {
		Name           string
		Client, Server hexBytes
	}
	Conversations []conversation
	Answers       []answerVector
	StreamAnswers []streamVector `json:"stream_answers"`
}

type frameVector struct {
	Name        string
	Hex         hexBytes
	Type, Flags byte
	Method      uint16
	ID          uint32
	Settings    map[uint16]uint32
	MethodName  string `json:"method_name"`
	Deadline    *uint64
	Metadata    [][2]string
	Total       *uint32
	Code        string
	Text        string
	Message     hexBytes
}

type conversation struct {
	Name     string
	Settings map[uint16]uint32
	Steps    []struct {
		Client, Server hexBytes
		Error          *struct {
			ID         uint32
			Code       string
			NotStarted *bool `json:"not_started"`
		}
	}
	GoAway string
}

type answerVector struct {
	Name   string
	Server hexBytes
	Want   struct {
		Result                                    *float32
		Exception, Code, Message, Outcome, GoAway string
		Details                                   [][3]any // name, format, content in hex
	}
}

type hexBytes string

func (h *hexBytes) UnmarshalText(text []byte) error {
	b, err := hex.DecodeString(string(text))
	*h = hexBytes(b)
	return err
}

func readVectors(t *testing.T) (v vectors) {
	t.Helper()
	data, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatalf("testdata/vectors.json: %v", err)
	}
	return v
}

var vectorLimits = rpc.ServerLimits{Limits: rpc.Limits{Message: 1000, Calls: 128}}

// serveVectors runs a server of what the vectors call.
func serveVectors(t *testing.T) *fixture {
	t.Helper()
	return serve(t, nettest.TCP, vectorLimits, every.NewService(vectorHandlers{}),
		every.NewEchoService(vectorHandlers{}))
}

type vectorHandlers struct{ every.EchoHandler }

func (vectorHandlers) Divide(_ context.Context, num1, num2 int32) (float32, error) {
	return float32(num1) / float32(num2), nil
}

func (vectorHandlers) Strings(_ context.Context, v string) (string, error) { return v, nil }

func (vectorHandlers) Ticks(_ context.Context, count int32) iter.Seq2[int32, error] {
	return func(yield func(int32, error) bool) {
		for i := range count {
			if !yield(i, nil) {
				return
			}
		}
	}
}

func (vectorHandlers) Sum(_ context.Context, values iter.Seq2[int32, error]) (sum int32, err error) {
	for v, err := range values {
		if err != nil {
			return 0, err
		}
		sum += v
	}
	return sum, nil
}

func (vectorHandlers) Buy(ctx context.Context, item string, _ int32) error {
	switch item {
	case "tea":
		return &every.OutOfStock{Message: "no tea", Left: 3, Instead: []string{"coffee"}}
	case "silence":
		return &every.Silent{Number: 5}
	case "denied":
		return rpc.NewError(rpc.PermissionDenied, "not you")
	case "wait":
		<-ctx.Done()
		return ctx.Err()
	}
	return nil
}

// The rows' fields make the rows' bytes, by this test's own reading of the page.
func TestVectorFrames(t *testing.T) {
	t.Parallel()
	v := readVectors(t)
	for _, p := range v.Prefaces {
		if !strings.HasPrefix(string(p.Hex), "\xd7YDL") || len(p.Hex) != 8 || p.Hex[4] != p.Version {
			t.Errorf("%s: % x", p.Name, p.Hex)
		}
	}
	for _, f := range v.Frames {
		if f.Settings != nil {
			if len(f.Hex) != 12+6*len(f.Settings) {
				t.Errorf("%s: % x has not %d settings", f.Name, f.Hex, len(f.Settings))
			}
			continue
		}
		if got := frame(f.Type, f.Flags, f.Method, f.ID, f.body()); got != string(f.Hex) {
			t.Errorf("%s: the fields give\n% x, want\n% x", f.Name, got, f.Hex)
		}
	}
}

func (f frameVector) body() (body string) {
	if f.MethodName != "" {
		body += named(f.MethodName)
	}
	if f.Deadline != nil {
		body += u64(*f.Deadline)
	}
	if f.Metadata != nil {
		block := ""
		for _, pair := range f.Metadata {
			block += named(pair[0]) + u32(len(pair[1])) + pair[1]
		}
		body += u32(len(block)) + block
	}
	if f.Total != nil {
		body += u32(int(*f.Total))
	}
	if code, ok := rpc.ParseCode(f.Code); ok {
		body += string(rune(code)) + f.Text
	}
	return body + string(f.Message)
}

func TestVectorOpenings(t *testing.T) {
	t.Parallel()
	f := serveVectors(t)
	for _, v := range readVectors(t).Openings {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			nc, err := f.dial(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer nc.Close()
			r := raw{t, nc}
			r.send(string(v.Client))
			r.expect(string(v.Server))
			for _, f := range r.readAll() {
				if f.kind != tSettings && f.kind != tGoAway {
					t.Errorf("then the server sent %+v", f)
				}
			}
		})
	}
}

// expect reads the given bytes.
func (r raw) expect(want string) {
	r.tb.Helper()
	_ = r.nc.SetReadDeadline(time.Now().Add(20 * time.Second))
	got := make([]byte, len(want))
	n, err := io.ReadFull(r.nc, got)
	if string(got) != want {
		r.tb.Fatalf("the peer sent\n% x, %v, want\n% x", got[:n], err, want)
	}
}

func TestVectorConversations(t *testing.T) {
	t.Parallel()
	f := serveVectors(t)
	for _, v := range readVectors(t).Conversations {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			settings := ""
			for key, value := range v.Settings {
				settings += u16(int(key)) + u32(int(value))
			}
			r := rawClientWith(t, f, settings)
			for _, step := range v.Steps {
				r.send(string(step.Client))
				r.expect(string(step.Server))
				if want := step.Error; want != nil {
					got := r.read()
					if got.kind != tError || got.id != want.ID || codeOf(got) != want.Code ||
						want.NotStarted != nil && *want.NotStarted != (got.flags&fRefused != 0) {
						t.Fatalf("the server sent %+v, want an ERROR like %+v", got, *want)
					}
				}
			}
			if v.GoAway != "" {
				r.expectGoAway(v.GoAway)
			}
		})
	}
}

// codeOf returns the name of the code in an ERROR or a GOAWAY.
func codeOf(f rawFrame) string {
	if f.body == "" {
		return "none"
	}
	return rpc.Code(f.body[0]).String()
}

func (r raw) expectGoAway(code string) {
	r.tb.Helper()
	frames := r.readAll()
	if !slices.ContainsFunc(frames, func(f rawFrame) bool { return f.kind == tGoAway && codeOf(f) == code }) {
		r.tb.Errorf("the connection ended with %+v, want a GOAWAY of %s", frames, code)
	}
}

func TestVectorAnswers(t *testing.T) {
	t.Parallel()
	for _, v := range readVectors(t).Answers {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			ours, theirs := net.Pipe()
			defer ours.Close()
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				v.answer(raw{t, ours})
			}()
			c, err := mux.Dial(t.Context(), rpc.ConnOptions{
				Dial:   func(context.Context) (net.Conn, error) { return theirs, nil },
				Limits: vectorLimits.Limits,
			})
			if err != nil {
				t.Fatal(err)
			}
			got, err := every.NewClient(c).Divide(t.Context(), 6, every.Num2(2))
			v.check(t, got, err)
			if v.Want.GoAway == "" {
				_ = c.Close()
			}
			<-ended
			_ = c.Close()
		})
	}
}

// answer is a server that answers one call with the vector's bytes, and reads until the caller ends the connection.
func (v answerVector) answer(r raw) {
	r.expect(hello)
	r.read()
	r.send(hello + frame(tSettings, 0, 0, 0, ""))
	call := r.read()
	r.send(withID(string(v.Server), call.id))
	if v.Want.GoAway != "" {
		r.expectGoAway(v.Want.GoAway)
		r.nc.Close()
		return
	}
	r.readAll()
}

// withID sets the ids of those frames that have one.
func withID(frames string, id uint32) string {
	b := []byte(frames)
	for at := 0; at+12 <= len(b); at += 12 + int(binary.LittleEndian.Uint32(b[at:])) {
		switch b[at+4] {
		case tResult, tException, tError, tMore, tItem, tEnd, tCredit:
			binary.LittleEndian.PutUint32(b[at+8:], id)
		}
	}
	return string(b)
}

func (v answerVector) check(t *testing.T, got float32, err error) {
	t.Helper()
	want := v.Want
	if want.Result != nil {
		if err != nil || got != *want.Result {
			t.Errorf("the call gives %v, %v, want %v", got, err, *want.Result)
		}
		return
	}
	if want.Exception != "" {
		if e, ok := errors.AsType[*every.InvalidOperation](err); !ok || e.Message != want.Exception {
			t.Errorf("the call gives %v, want an InvalidOperation that says %q", err, want.Exception)
		}
		return
	}
	e, ok := errors.AsType[*rpc.Error](err)
	if !ok || e.Code.String() != want.Code || !strings.HasPrefix(e.Outcome.String(), want.Outcome) ||
		want.Message != "" && e.Message != want.Message {
		t.Errorf("the call gives %v (%v), want %+v", err, e, want)
	}
	if want.Details == nil || e == nil {
		return
	}
	details := make([][3]any, len(e.Details))
	for i, d := range e.Details {
		format, content := d.Encoded()
		details[i] = [3]any{d.Name(), float64(format), hex.EncodeToString(content)}
	}
	if !slices.Equal(details, want.Details) {
		t.Errorf("the details are %v, want %v", details, want.Details)
	}
}
