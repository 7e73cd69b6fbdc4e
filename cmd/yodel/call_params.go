package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/yodelrpc/yodel/idl/schema"
)

// Params are a call's parameters by name, each as JSON.
type params map[string]json.RawMessage

// parseParams reads NAME=VALUE arguments or one JSON object. The function quote says whether the value of the named
// parameter is text that needs quotes.
func parseParams(args []string, quote func(name, value string) bool) (params, error) {
	if len(args) == 1 && strings.HasPrefix(strings.TrimSpace(args[0]), "{") {
		var p params
		if err := json.Unmarshal([]byte(args[0]), &p); err != nil {
			return nil, usagef("the parameters are not a JSON object: %v", err)
		}
		return p, nil
	}
	p := make(params)
	for _, arg := range args {
		name, value, ok := strings.Cut(arg, "=")
		if !ok || name == "" {
			return nil, usagef("the parameter %q has no name; write NAME=VALUE, or all of them as one JSON object", arg)
		}
		if _, twice := p[name]; twice {
			return nil, usagef("the parameter %s is given twice", name)
		}
		p[name] = json.RawMessage(value)
		if quote(name, value) {
			p[name], _ = json.Marshal(value)
		}
	}
	return p, nil
}

// untypedParams takes for a string what is not JSON.
func untypedParams(args []string) (params, error) {
	return parseParams(args, func(_, value string) bool { return !json.Valid([]byte(value)) })
}

// typedParams returns the parameters of a call of m, and the same as basic arguments.
func typedParams(m *schema.Method, args []string) (params, []byte, error) {
	p, err := parseParams(args, func(name, value string) bool {
		f := fieldNamed(m.Params, name)
		return f != nil && isText(f.Type, value) || !json.Valid([]byte(value))
	})
	if err != nil {
		return nil, nil, err
	}
	if err := missing(m, p); err != nil {
		return nil, nil, err
	}
	b, err := appendFields(nil, m.Params, p)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", m.Name, err)
	}
	return p, b, nil
}

// missing says which parameters the call must carry and does not.
func missing(m *schema.Method, p params) error {
	var names []string
	for _, f := range m.Params {
		if f.Required && p[f.Name] == nil && p[schema.JSONName(f.Name)] == nil {
			names = append(names, fmt.Sprintf("%s=%s", f.Name, strings.ToUpper(typeName(f.Type))))
		}
	}
	if names == nil {
		return nil
	}
	return fmt.Errorf("%s needs %s", m.Name, strings.Join(names, " "))
}

// isText reports whether a value of type t is a string in JSON.
func isText(t *schema.Type, value string) bool {
	switch t.Kind {
	case schema.String, schema.Bytes, schema.Timestamp, schema.Duration:
		return true
	case schema.EnumType:
		_, err := strconv.Atoi(value)
		return err != nil
	}
	return false
}

// fieldNamed returns the field with a name, as declared or in lowerCamelCase, or nil.
func fieldNamed(fields []*schema.Field, name string) *schema.Field {
	for _, f := range fields {
		if f.Name == name || schema.JSONName(f.Name) == name {
			return f
		}
	}
	return nil
}

// sortedNames returns the names in p, so that the first wrong one is always the same.
func (p params) sortedNames() []string { return slices.Sorted(maps.Keys(p)) }

// nearest lists up to five of the names, those most like name first.
func nearest(name string, names []string) string {
	if len(names) == 0 {
		return "none"
	}
	sorted := slices.Clone(names)
	slices.SortStableFunc(sorted, func(a, b string) int { return distance(a, name) - distance(b, name) })
	return strings.Join(sorted[:min(len(sorted), 5)], ", ")
}

// distance is the Levenshtein distance between a and b, in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
