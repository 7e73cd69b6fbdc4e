package compat_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/yodelrpc/yodel/idl/compat"
)

// A record is one call that a program has made.
type record struct {
	Case, Run, Protocol, Method, Raise string
	Variant                            int
	Call                               struct {
		Sent, Got, Answered, Received, Traits map[string]string
		Raised, Err                           string
	}
}

var protocolReach = map[string]compat.Reach{
	"basic": compat.Basic, "line": compat.JSON, "http": compat.JSON, "mux": compat.Mux,
}

// judge adds what the calls show to what breaks.
func judge(t *testing.T, language string, all []*trial, breaks map[string]compat.Reach, output []byte) {
	t.Helper()
	var records []record
	if err := json.Unmarshal(output, &records); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	byCase := map[string][]record{}
	for _, r := range records {
		byCase[r.Case] = append(byCase[r.Case], r)
	}
	for _, tr := range all {
		j := &judgement{t: t, trial: tr, language: language, own: map[string]record{}}
		for _, r := range byCase[tr.id] {
			j.record(r)
		}
		breaks[tr.id] |= j.breaks
		if testing.Verbose() {
			for _, why := range j.why {
				t.Logf("%s: %s", tr.name, why)
			}
		}
	}
}

// A judgement is about one trial in one language.
type judgement struct {
	t        *testing.T
	trial    *trial
	language string
	own      map[string]record // the calls among programs of one version, by what they have in common with others
	breaks   compat.Reach
	why      []string
}

func (j *judgement) add(reach compat.Reach, r record, format string, args ...any) {
	if j.breaks&reach == reach {
		return
	}
	j.breaks |= reach
	j.why = append(j.why, fmt.Sprintf("%s %s %s %s %d %s: breaks %v: ", j.language, r.Run, r.Protocol, r.Method,
		r.Variant,
		r.Raise, reach)+fmt.Sprintf(format, args...))
}

func (r record) key(run string) string {
	return fmt.Sprint(run, r.Protocol, r.Method, r.Variant, r.Raise)
}

func (j *judgement) record(r record) {
	caller, server := j.trial.old, j.trial.new
	callerRun, serverRun := "old", "new"
	switch r.Run {
	case "old", "new":
		j.alone(r)
		return
	case "source":
		j.source(r)
		return
	case "source calls new":
		j.recompiled(r, server)
		return
	case "new calls source":
		j.recompiled(r, caller)
		return
	case "new calls old":
		caller, server, callerRun, serverRun = server, caller, serverRun, callerRun
		if methodNamed(j.trial.old.file, r.Method) == nil {
			return // what is new is not there yet
		}
	}
	reach := protocolReach[r.Protocol]
	switch {
	case r.Raise != "" && caller.known[r.Method]["raise "+r.Raise]:
		if r.Call.Raised != r.Raise {
			j.add(reach, r, "raised %q, %s", r.Call.Raised, r.Call.Err)
		}
	case r.Raise != "" && r.Call.Raised != "":
		j.add(reach, r, "raised %q", r.Call.Raised)
	case r.Raise != "":
		j.add(compat.Meaning, r, "an exception that the caller does not know: %s", r.Call.Err)
		return
	case r.Call.Err != "":
		j.add(reach, r, "%s", r.Call.Err)
		return
	}
	if r.Variant < 2 {
		j.arrives(reach, r, server, r.Call.Sent, r.Call.Got)
		j.arrives(reach, r, caller, r.Call.Answered, r.Call.Received)
		return
	}
	if j.breaks&reach != 0 {
		return
	}
	// What is left out is read as those meant it who left it out.
	j.means(r, server, j.own[r.key(callerRun)].Call.Got, r.Call.Got)
	j.means(r, caller, j.own[r.key(serverRun)].Call.Received, r.Call.Received)
}

// alone takes a call among programs of one version, which has to work.
func (j *judgement) alone(r record) {
	j.own[r.key(r.Run)] = r
	s := map[string]*side{"old": j.trial.old, "new": j.trial.new}[r.Run]
	before := j.breaks
	j.breaks = 0
	if r.Call.Err != "" || r.Call.Raised != r.Raise {
		j.t.Errorf("%s: %s alone does not work: %s, raised %q", j.trial.name, r.key(r.Run), r.Call.Err, r.Call.Raised)
	}
	if r.Variant < 2 {
		j.arrives(compat.Go, r, s, r.Call.Sent, r.Call.Got)
		j.arrives(compat.Go, r, s, r.Call.Answered, r.Call.Received)
	}
	if j.breaks != 0 {
		j.t.Errorf("%s: values do not arrive among programs of one version: %v", j.trial.name, j.why)
	}
	j.breaks = before
	if r.Run == "new" {
		j.traits(r, j.own[r.key("old")].Call.Traits)
	}
}

// source takes a call among old programs that are compiled with new code: nothing may have changed.
func (j *judgement) source(r record) {
	reach := j.sourceReach()
	if r.Call.Err != "" || r.Call.Raised != r.Raise {
		j.add(reach, r, "%s, raised %q", r.Call.Err, r.Call.Raised)
		return
	}
	if r.Variant < 2 {
		j.arrives(reach, r, j.trial.old, r.Call.Sent, r.Call.Got)
		j.arrives(reach, r, j.trial.old, r.Call.Answered, r.Call.Received)
	}
}

// recompiled takes a call between an old program that is compiled with new code and a new one: values that mean one
// thing to the one and another to the other side are what no compiler finds. The rest is found otherwise.
func (j *judgement) recompiled(r record, to *side) {
	if r.Variant < 2 && r.Raise == "" && r.Call.Err == "" && methodNamed(j.trial.old.file, r.Method) != nil &&
		methodNamed(j.trial.new.file, r.Method) != nil {
		j.arrives(j.sourceReach(), r, to, r.Call.Sent, r.Call.Got)
	}
}

func (j *judgement) sourceReach() compat.Reach {
	if j.language == "Python" {
		return compat.Python
	}
	return compat.Go
}

// arrives compares the values that were sent with those that arrived at to, as far as to has them.
func (j *judgement) arrives(reach compat.Reach, r record, to *side, sent, got map[string]string) {
	for path, value := range sent {
		if to.knows(r.Method, path, value) && !same(got[path], value) {
			j.add(reach, r, "%s: sent %s, got %s", path, value, got[path])
		}
	}
}

func (j *judgement) means(r record, to *side, meant, read map[string]string) {
	for path, value := range meant {
		if to.knows(r.Method, path, value) && !same(read[path], value) {
			j.add(compat.Meaning, r, "%s: meant %s, read %s", path, value, read[path])
		}
	}
	for path, value := range read {
		if _, ok := meant[path]; !ok && j.trial.old.knows(r.Method, path, value) &&
			j.trial.new.knows(r.Method, path, value) {
			j.add(compat.Meaning, r, "%s: meant nothing, read %s", path, value)
		}
	}
}

// traits compares what generated code says besides.
func (j *judgement) traits(r record, old map[string]string) {
	for name, was := range old {
		is, ok := r.Call.Traits[name]
		once := name == "idempotent" || strings.HasPrefix(name, "hidden ") // only the end of it does harm
		if ok && is != was && (!once || was == "true") {
			j.add(compat.Meaning, r, "%s was %s and is %s", name, was, is)
		}
	}
}

// same compares two values. One of an enum is the same as another one of its name, and as its number.
func same(a, b string) bool {
	nameA, numberA, enumA := strings.Cut(strings.TrimPrefix(a, "enum:"), "#")
	nameB, numberB, enumB := strings.Cut(strings.TrimPrefix(b, "enum:"), "#")
	switch {
	case enumA && enumB:
		return nameA == nameB && nameA != "" || nameA == nameB && numberA == numberB
	case enumA:
		return numberA == b
	case enumB:
		return a == numberB
	}
	return a == b
}
