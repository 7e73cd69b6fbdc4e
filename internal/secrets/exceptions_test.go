package secrets_test

import (
	"encoding/gob"
	"encoding/xml"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/yodelrpc/yodel/internal/secrets"
)

// TestWhatNoMethodReaches holds docs/language.md to its list of what shows sensitive values all the same: each must
// show them, or the page warns of what is no more.
func TestWhatNoMethodReaches(t *testing.T) {
	t.Parallel()
	fields, denied := newFields(), &secrets.Denied{Message: "shown", Token: text}
	open := map[string]string{}
	print := func(name, verb string, v any) { open[name+" by %"+verb] = fmt.Sprintf("%"+verb, v) }
	print("a value", "p", fields)
	print("an array", "p", [1]secrets.Fields{fields})
	print("a member", "p", secrets.SecretText{Text: text})
	for _, verb := range []string{"w", "+w", "#w"} {
		print("a value", verb, fields)
		print("a pointer", verb, &fields)
		print("an error", verb, denied)
		print("a list", verb, []secrets.Fields{fields})
	}
	errorf := fmt.Errorf // for vet, which knows what follows
	open["Errorf's %w of no error"] = errorf("%w", &fields).Error()
	print("an unexported field", "v", struct{ f secrets.Fields }{fields})
	for _, verb := range strings.Split("acefgijklmnrtuyzAEFGUOZ", "") {
		print("Errorf's error", verb, fmt.Errorf("a: %w", denied))
		print("Errorf's error of two", verb, fmt.Errorf("%w, %w", denied, denied))
		print("Join's error", verb, errors.Join(denied))
	}
	var out strings.Builder
	if err := xml.NewEncoder(&out).Encode(secrets.SecretText{Text: text}); err != nil {
		t.Error(err)
	}
	open["encoding/xml"] = out.String()
	if err := gob.NewEncoder(&out).Encode(secrets.SecretText{Text: text}); err != nil {
		t.Error(err)
	}
	open["encoding/gob"] = strings.TrimPrefix(out.String(), open["encoding/xml"])
	for name, shown := range open {
		if !strings.Contains(shown, text) {
			t.Errorf("%s shows no more than %.300q", name, shown)
		}
	}
}

// TestAddressesShowNothing looks at those neighbors of what is open that print an address, or the error's text.
func TestAddressesShowNothing(t *testing.T) {
	t.Parallel()
	fields, denied := newFields(), &secrets.Denied{Message: "shown", Token: text}
	for _, v := range []any{&fields, []secrets.Fields{fields}, map[string]secrets.Fields{"": fields}} {
		find(t, "%p", fmt.Sprintf("%p", v))
	}
	for _, err := range []error{fmt.Errorf("a: %w", denied), fmt.Errorf("%w, %w", denied, denied),
		errors.Join(denied)} {
		for _, verb := range strings.Split("v +v #v s q x X d b o p T", " ") {
			find(t, verb+" of an error that wraps", fmt.Sprintf("%"+verb, err))
		}
	}
}
