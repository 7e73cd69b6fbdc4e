package python

import (
	"slices"
	"strings"
	"unicode"
)

// docstring writes a documentation comment as a docstring.
func (m *module) docstring(indent, doc string) {
	text := escapeDoc(doc)
	if strings.HasSuffix(text, `"`) {
		text = strings.TrimSuffix(text, `"`) + `\"`
	}
	if !strings.Contains(text, "\n") && len(indent)+len(text)+2*len(`"""`) <= width {
		m.printf("%s\"\"\"%s\"\"\"\n", indent, text)
		return
	}
	lines := wrap(text, width-len(indent)-len(`"""`))
	m.printf("%s\"\"\"%s\n", indent, lines[0])
	for _, line := range lines[1:] {
		m.printf("%s\n", strings.TrimRight(indent+line, " "))
	}
	m.printf("%s\"\"\"\n", indent)
}

// comment writes a documentation comment as one.
func (m *module) comment(indent, doc string) {
	if doc == "" {
		return
	}
	for _, line := range wrap(printable(doc), width-len(indent)-len("# ")) {
		m.printf("%s\n", strings.TrimRight(indent+"# "+line, " "))
	}
}

func escapeDoc(text string) string {
	return strings.NewReplacer(`\`, `\\`, `"""`, `\"\"\"`).Replace(printable(text))
}

// printable returns the text without the characters that have no place in a source file.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
}

// wrap cuts the text at its line ends, and lines that are longer than limit bytes between words.
func wrap(text string, limit int) []string {
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		indent := line[:len(line)-len(strings.TrimLeft(line, " "))]
		for len(line) > limit {
			cut := strings.LastIndexByte(line[:limit+1], ' ')
			if cut <= len(indent) {
				break
			}
			lines = append(lines, strings.TrimRight(line[:cut], " "))
			line = indent + strings.TrimLeft(line[cut:], " ")
		}
		lines = append(lines, line)
	}
	return lines
}

// paragraphs joins those texts that are not empty.
func paragraphs(texts ...string) string {
	texts = slices.DeleteFunc(texts, func(text string) bool { return text == "" })
	return strings.Join(texts, "\n\n")
}

// section returns a part of a docstring: a title, and one item a line.
func section(title string, items []string) string {
	if len(items) == 0 {
		return ""
	}
	return title + ":\n    " + strings.Join(items, "\n    ")
}

// oneLine returns the text of a comment as a single line.
func oneLine(doc string) string { return strings.Join(strings.Fields(doc), " ") }

func deprecated(reason string) string {
	if reason == "" {
		return ""
	}
	return "Deprecated: " + reason
}
