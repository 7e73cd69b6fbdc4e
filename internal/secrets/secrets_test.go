// Package secrets_test prints, logs and breaks what is sensitive in every way that it knows, and looks for it.
package secrets_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"text/template"
	"time"

	"github.com/yodelrpc/yodel/internal/secrets"
	"github.com/yodelrpc/yodel/rpc"
	"github.com/yodelrpc/yodel/wire"
)

// needles are what the values of newFields look like in any form.
var needles = []string{
	"hunter2", "68756e74657232", "68756E74657232", "68 75 6e", "0x68, 0x75", "104 117 110", // the text
	"31337", "7a69", "7A69", "0o75151", "75151", "111101001101001", "穩", // the number, which is the character U+7A69
	"s3cr3t", "czNjcjN0", "733363723374", "115 51 99", // the bytes
	"1999", "936864", "7777777", "7.777777", "2.5e-07", "2.5E-07", "0x1.0c6f7a", "0X1.0C6F7A", // times, real numbers
	"HIGH", "73501", "11f1d", "11F1D",
	"true",
}

const text, number = "hunter2", 31337

var (
	data  = []byte("s3cr3t")
	seen  = time.Date(1999, 9, 9, 8, 7, 6, 0, time.UTC)
	plain = secrets.Plain{Text: text, Number: number}
)

func newFields() secrets.Fields {
	return secrets.Fields{
		Flag: true, Small: number, Large: number, Positive: number, Huge: number, Single: 2.5e-7, Real: 2.5e-7,
		Text: text, Data: data,
		Seen: seen, Took: 7777777, Level: secrets.LevelHigh, Texts: []string{text}, Numbers: []int32{number},
		Plains: []secrets.Plain{plain}, ByName: map[string]string{text: text}, ByNumber: map[int64][]byte{number: data},
		Plain: plain, Open: secrets.OpenText{Text: text}, MaybeText: new(string(text)), MaybeNumber: new(int32(number)),
		MaybeSeen: &seen, MaybePlain: &plain, Opens: []secrets.Open{secrets.OpenNumber{Number: number}},
		PlainByName: map[string]secrets.Plain{text: plain}, Shown: "shown", Inner: &secrets.Fields{Text: text},
	}
}

func members() []secrets.Secret {
	return []secrets.Secret{
		secrets.SecretText{Text: text}, secrets.SecretNumber{Number: number}, secrets.SecretData{Data: data},
		secrets.SecretPlain{Plain: plain}, secrets.SecretFields{Fields: newFields()},
		secrets.SecretFormat{Format_: text},
		&secrets.SecretText{Text: text}, &secrets.SecretFields{Fields: newFields()},
	}
}

func newHolder() secrets.Holder {
	f := newFields()
	h := secrets.Holder{
		Fields: f, List: []secrets.Fields{f}, ByName: map[string]secrets.Fields{"a": f}, Maybe: &f,
		Secret: members()[0], Secrets: members(),
		SecretByNumber: map[int32]secrets.Secret{1: members()[3]}, Shown: "shown", LogValue_: "shown",
	}
	inner := h
	h.Inner = &inner
	return h
}

// A look is a channel that hands on each call and answers none.
type look func(*rpc.Call)

var errLooked = errors.New("looked at")

func (l look) Call(_ context.Context, c *rpc.Call) error {
	l(c)
	return errLooked
}

func (look) Open(context.Context, *rpc.Method) (rpc.Stream, error) { return nil, errLooked }

// everyKind calls visit with a value of each generated type that holds something sensitive, arguments and results too.
func everyKind(t *testing.T, visit func(name string, v any)) {
	t.Helper()
	f, h := newFields(), newHolder()
	visit("struct", f)
	visit("struct that holds them", h)
	for _, m := range members() {
		visit(fmt.Sprintf("member %T", m), m)
	}
	visit("exception", secrets.Denied{Message: "shown", Token: text, Fields: f})
	visit("exception that says nothing", secrets.Hushed{Message: text, Number: number})
	c := secrets.NewVaultClient(look(func(c *rpc.Call) {
		visit("arguments of "+c.Method.Name, reflect.ValueOf(c.Args).Elem().Interface())
		const result = `{"result":{"fields":{"text":"hunter2","small":31337}}}`
		if wire.TypeOf(c.Result).Sensitive() && wire.UnmarshalJSON([]byte(result), c.Result) == nil {
			visit("result of "+c.Method.Name, reflect.ValueOf(c.Result).Elem().Interface())
		}
	}))
	ctx := context.Background()
	err := c.Store(ctx, "shown", true, number, text, data, seen, 7777777, secrets.LevelHigh, []string{text},
		map[string]string{text: text}, plain, secrets.OpenText{Text: text}, h, members()[0], secrets.MaybeText(text),
		secrets.Real(2.5e-7))
	if _, err2 := c.Load(ctx, text); err != errLooked || err2 != errLooked {
		t.Error(err, err2)
	}
}

// wrapped returns v in all that fmt, slog and encoding/json look into.
func wrapped(v any) map[string]any {
	value := reflect.ValueOf(v)
	pointer := reflect.New(value.Type())
	pointer.Elem().Set(value)
	list := reflect.Append(reflect.MakeSlice(reflect.SliceOf(value.Type()), 0, 1), value)
	pointers := reflect.Append(reflect.MakeSlice(reflect.SliceOf(pointer.Type()), 0, 1), pointer)
	byName := reflect.MakeMap(reflect.MapOf(reflect.TypeFor[string](), value.Type()))
	byName.SetMapIndex(reflect.ValueOf("k"), value)
	array := reflect.New(reflect.ArrayOf(1, value.Type())).Elem()
	array.Index(0).Set(value)
	return map[string]any{
		"value": v, "pointer": pointer.Interface(), "list": list.Interface(), "list of pointers": pointers.Interface(),
		"map": byName.Interface(), "array": array.Interface(), "any": []any{v, pointer.Interface()},
		"map of any":          map[string]any{"k": v},
		"struct of one's own": struct{ Inside, Pointer any }{v, pointer.Interface()},
	}
}

// noise are numbers that may have any digits: times, ports, addresses.
var noise = regexp.MustCompile(
	`\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)?|127\.0\.0\.1:\d+|0x[0-9a-f]{6,}|\+0x[0-9a-f]+|goroutine \d+`)

// find reports what of the sensitive values is in out.
func find(t *testing.T, how, out string) {
	t.Helper()
	out = noise.ReplaceAllString(out, "")
	for _, needle := range needles {
		if strings.Contains(out, needle) {
			t.Errorf("%s shows %q: %.2000s", how, needle, out)
			return
		}
	}
}

func TestFmt(t *testing.T) {
	t.Parallel()
	everyKind(t, func(name string, v any) {
		for form, w := range wrapped(v) {
			for verb := 'A'; verb <= 'z'; verb++ {
				// Of p and w fmt asks no method: TestWhatNoMethodReaches has them.
				if verb == 'p' || verb == 'w' || verb > 'Z' && verb < 'a' {
					continue
				}
				for _, flags := range []string{"", "+", "#", "-", " ", "0", "100.3", "+#"} {
					format := "%" + flags + string(verb)
					find(t, name+", "+form+" by "+format, fmt.Sprintf(format, w))
				}
			}
			find(t, name+", "+form+" by Sprint", fmt.Sprint(w))
			find(t, name+", "+form+" by Errorf", fmt.Errorf("%v", w).Error())
			var out bytes.Buffer
			log.New(&out, "", 0).Println(w)
			find(t, name+", "+form+" by log", out.String())
			_ = template.Must(template.New("").Parse("{{.}} {{printf \"%d\" .}}")).Execute(&out, w)
			find(t, name+", "+form+" by a template", out.String())
		}
	})
}

func TestErrors(t *testing.T) {
	t.Parallel()
	for _, err := range []error{
		&secrets.Denied{Message: "shown", Token: text, Fields: newFields()},
		&secrets.Hushed{Message: text, Number: number},
	} {
		for _, e := range []error{
			err, fmt.Errorf("wrapped: %w", err), errors.Join(err, err), fmt.Errorf("%w, %w", err, err),
			rpc.Errorf(rpc.Internal, "wrapped: %w", err),
		} {
			find(t, "Error", e.Error())
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
				find(t, verb, fmt.Sprintf(verb, e))
			}
		}
	}
	err := &secrets.Denied{Message: "not for you", Token: text}
	if got := fmt.Sprintf("%v %s %q", err, err, err); got != `not for you not for you "not for you"` {
		t.Errorf("an exception is shown as %s", got)
	}
	if got := fmt.Sprintf("%+v", err); !strings.HasPrefix(got, `{"message":"not for you","token":"***"`) {
		t.Errorf("an exception with its fields is shown as %s", got)
	}
	if got := (&secrets.Hushed{Message: text}).Error(); got != "hushed" {
		t.Errorf("an exception whose message is sensitive says %q", got)
	}
}

func TestSlog(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	handlers := map[string]slog.Handler{
		"text": slog.NewTextHandler(&out, nil), "JSON": slog.NewJSONHandler(&out, nil),
		"JSON with ReplaceAttr": slog.NewJSONHandler(&out, &slog.HandlerOptions{
			ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr { return a },
		}),
	}
	everyKind(t, func(name string, v any) {
		for form, w := range wrapped(v) {
			for kind, h := range handlers {
				how := name + ", " + form + " by the handler of " + kind
				for _, put := range []func(*slog.Logger){
					func(l *slog.Logger) { l.Info("m", "k", w) },
					func(l *slog.Logger) {
						l.Info("m", slog.Group("g", "k", w, slog.Group("inner", slog.Any("k", w))))
					},
					func(l *slog.Logger) { l.With("k", w).WithGroup("g").With("k", w).Info("m", "k", w) },
					func(l *slog.Logger) { l.Error(fmt.Sprint(w), "err", fmt.Errorf("failed: %v", w)) },
				} {
					out.Reset()
					put(slog.New(h))
					find(t, how, out.String())
					if strings.Contains(out.String(), "panic") {
						t.Errorf("%s panics: %s", how, out.String())
					}
				}
			}
		}
	})
}

// TestSlogShowsTheRest holds what a log shows of a message: an object with *** in it.
func TestSlogShowsTheRest(t *testing.T) {
	t.Parallel()
	without := &slog.HandlerOptions{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 && a.Key != "k" {
			return slog.Attr{}
		}
		return a
	}}
	denied := &secrets.Denied{Message: "shown", Token: text}
	const fields = `{"flag":"***","small":"***","large":"***","positive":"***","huge":"***",` +
		`"single":"***","real":"***",` +
		`"text":"***","data":"***","seen":"***","took":"***","level":"***","texts":"***","numbers":"***",` +
		`"plains":"***",` +
		`"byName":"***","byNumber":"***","plain":"***","open":"***","maybeText":"***",` +
		`"maybeNumber":"***","maybeSeen":"***",` +
		`"maybePlain":"***","opens":"***","plainByName":"***","inner":"***"}`
	var out bytes.Buffer
	slog.New(slog.NewJSONHandler(&out, without)).Info("m", "k", denied)
	if want := `{"k":{"message":"shown","token":"***","fields":` + fields + "}}\n"; out.String() != want {
		t.Errorf("got  %swant %s", out.String(), want)
	}
	out.Reset()
	slog.New(slog.NewTextHandler(&out, without)).Info("m", "k", secrets.SecretText{Text: text})
	if want := "k=\"{\\\"text\\\":\\\"***\\\"}\"\n"; out.String() != want {
		t.Errorf("got  %swant %s", out.String(), want)
	}
	out.Reset()
	slog.New(slog.NewJSONHandler(&out, without)).Info("m", "k", []*secrets.Denied{denied})
	if want := "Denied holds @sensitive fields: use wire.MarshalJSON(&v) for JSON with the data"; !strings.Contains(
		out.String(), want) {
		t.Errorf("got  %swant %s", out.String(), want)
	}
}

// TestJSONIsForData: nothing sensitive is written without being asked for by name, and nothing is lost in silence.
func TestJSONIsForData(t *testing.T) {
	t.Parallel()
	everyKind(t, func(name string, v any) {
		for form, w := range wrapped(v) {
			if b, err := json.Marshal(w); err == nil {
				t.Errorf("%s, %s: json.Marshal returns %s", name, form, b)
			} else {
				find(t, name+", "+form+" by json.Marshal", err.Error())
			}
		}
	})
	h := newHolder()
	b, err := wire.MarshalJSON(&h)
	var back secrets.Holder
	if err != nil || json.Unmarshal(b, &back) != nil || !bytes.Contains(b, []byte(text)) {
		t.Fatalf("wire.MarshalJSON returns %s, %v", b, err)
	}
	if again, err := wire.MarshalJSON(&back); err != nil || !bytes.Equal(again, b) {
		t.Errorf("read back as %s, %v\nwant %s", again, err, b)
	}
	shown, err := json.Marshal(map[string]any{"denied": wire.Mask(&secrets.Denied{Token: text})})
	if err != nil || !strings.HasPrefix(string(shown), `{"denied":{"token":"***"`) {
		t.Errorf("json.Marshal of a Masked returns %s, %v", shown, err)
	}
}

// TestCalls prints a call as an interceptor may.
func TestCalls(t *testing.T) {
	t.Parallel()
	c := secrets.NewVaultClient(look(func(c *rpc.Call) {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d"} {
			if out := fmt.Sprintf(verb, c); strings.Contains(out, text) || strings.Contains(out, "104 117") {
				t.Errorf("%s shows %s", verb, out)
			}
		}
		var out bytes.Buffer
		slog.New(slog.NewJSONHandler(&out, nil)).Info("call", "args", c.Args, "result", c.Result, "call", c)
		find(t, "slog", out.String())
		if !strings.Contains(out.String(), `"args":{"key":"***"}`) {
			t.Errorf("arguments are logged as %s", out.String())
		}
	}))
	_, _ = c.Load(t.Context(), text)
}
