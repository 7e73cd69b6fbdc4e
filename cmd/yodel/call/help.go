package call

import (
	"encoding/base64"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/yodelrpc/yodel/cmd/yodel/internal/client"
	"github.com/yodelrpc/yodel/dynamic"
	"github.com/yodelrpc/yodel/idl/schema"
)

// help shows the method that the arguments name, or all methods of the definition.
func (c *command) help(w io.Writer, args []string) error {
	if len(args) < 2 {
		return c.listMethods(w)
	}
	m, err := c.FindMethod(args[1])
	if err != nil {
		return err
	}
	var b strings.Builder
	c.showMethod(&b, m, args[0], args[1])
	_, err = io.WriteString(w, b.String())
	return err
}

func (c *command) listMethods(w io.Writer) error {
	p, err := c.Load()
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%s has these methods; yodel call -f %s ADDRESS METHOD --help shows one:\n\n", c.File, c.File)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, s := range p.Services() {
		for _, m := range s.Methods() {
			first, _, _ := strings.Cut(m.Schema().Doc, "\n")
			row(table, "  "+s.Schema().Name+"."+m.Schema().Name, first)
		}
	}
	return table.Flush()
}

func (c *command) showMethod(b *strings.Builder, m *dynamic.Method, address, name string) {
	s := m.Schema()
	fmt.Fprintf(b, "%s\n\n", m.FullName())
	if s.Doc != "" {
		fmt.Fprintf(b, "%s\n\n", s.Doc)
	}
	if s.Deprecated != "" {
		fmt.Fprintf(b, "Deprecated: %s\n\n", s.Deprecated)
	}
	fmt.Fprintf(b, "Usage:\n  yodel call -f %s %s %s%s\n", c.File, address, name, usage(s))
	if s.StreamParam != nil {
		fmt.Fprintf(b, "\nElements of %s are read from standard input, one of JSON a line.\n", s.StreamParam.Name)
	}
	section(b, "Parameters", len(s.Params), func(table io.Writer) {
		for _, p := range s.Params {
			row(table, "  "+client.Placeholder(p), presence(p), describe(p))
		}
	})
	fmt.Fprintf(b, "\nResult: %s\n", resultType(s))
	section(b, "Exceptions", len(s.Exceptions), func(table io.Writer) {
		for _, x := range s.Exceptions {
			row(table, "  "+x.Name, x.Code, oneLine(x.Doc))
		}
	})
	if s.Timeout > 0 {
		fmt.Fprintf(b, "\nIt may take %v, unless --timeout says otherwise.\n", s.Timeout)
	}
	if s.Idempotent {
		b.WriteString("\nIt may run twice: a call whose connection broke is sent again.\n")
	}
	showTypes(b, s)
}

func section(b *strings.Builder, title string, rows int, write func(table io.Writer)) {
	if rows == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s:\n", title)
	table := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	write(table)
	_ = table.Flush()
}

// row writes cells without the blanks that empty ones leave at the end.
func row(table io.Writer, cells ...string) {
	for len(cells) > 0 && cells[len(cells)-1] == "" {
		cells = cells[:len(cells)-1]
	}
	fmt.Fprintln(table, strings.Join(cells, "\t"))
}

// usage returns the parameters as they stand on a command line; those in brackets may be left out.
func usage(m *schema.Method) string {
	var b strings.Builder
	for _, p := range m.Params {
		if p == m.StreamParam {
			continue
		}
		if p.Required {
			fmt.Fprintf(&b, " %s", client.Placeholder(p))
		} else {
			fmt.Fprintf(&b, " [%s]", client.Placeholder(p))
		}
	}
	return b.String()
}

func presence(f *schema.Field) string {
	switch {
	case f.Required:
		return "required"
	case f.Default != nil:
		return "default " + valueText(f.Type, f.Default)
	}
	return "optional"
}

func describe(f *schema.Field) string {
	text := oneLine(f.Doc)
	if limits := f.Limits(); limits != "" {
		text = strings.TrimSpace(text + " (" + limits + ")")
	}
	if f.Sensitive {
		text = strings.TrimSpace(text + " (sensitive)")
	}
	if f.Deprecated != "" {
		text = strings.TrimSpace(text + " (deprecated: " + f.Deprecated + ")")
	}
	return text
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

func resultType(m *schema.Method) string {
	switch {
	case m.Result == nil:
		return "none"
	case m.StreamResult:
		return "a stream of " + client.TypeName(m.Result)
	case m.Result.Optional:
		return client.TypeName(m.Result) + ", or null"
	}
	return client.TypeName(m.Result)
}

// valueText returns a default as one would write it on the command line.
func valueText(t *schema.Type, v *schema.Value) string {
	switch t.Kind {
	case schema.Bool:
		return strconv.FormatBool(v.Bool)
	case schema.Int, schema.Long:
		return strconv.FormatInt(v.Int, 10)
	case schema.Uint, schema.Ulong:
		return strconv.FormatUint(v.Uint, 10)
	case schema.Float:
		return strconv.FormatFloat(v.Float, 'g', -1, 32)
	case schema.Double:
		return strconv.FormatFloat(v.Float, 'g', -1, 64)
	case schema.String:
		return strconv.Quote(v.String)
	case schema.Bytes:
		return base64.StdEncoding.EncodeToString(v.Bytes)
	case schema.Timestamp:
		return v.Time.Format(time.RFC3339Nano)
	case schema.Duration:
		return strconv.FormatFloat(v.Duration.Seconds(), 'f', -1, 64) + "s"
	}
	return v.Enum.Name
}
