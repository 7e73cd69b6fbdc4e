package syntax

import "strings"

// Doc returns the documentation of an item: the comment right above it, without a blank line between.
func (n *Node) Doc() string {
	if n.Gap {
		return ""
	}
	begin := 0
	for i, c := range n.Before {
		if c.Gap {
			begin = i
		}
	}
	return docText(n.Before[begin:])
}

// Doc returns the documentation of the file: the comment at its top, set off by a blank line or right above the
// package.
func (f *File) Doc() string {
	comments, set := f.top()
	for i, c := range comments {
		if i > 0 && c.Gap {
			return docText(comments[:i])
		}
	}
	if set {
		return docText(comments)
	}
	return ""
}

// top returns the comments above whatever comes first, and whether they belong to the file if no blank line is in them.
func (f *File) top() (comments []Comment, set bool) {
	switch {
	case f.Package != nil:
		return f.Package.Before, true
	case len(f.Imports) > 0:
		return f.Imports[0].Before, f.Imports[0].Gap
	case len(f.Decls) > 0:
		n := f.Decls[0].Base()
		return n.Before, n.Gap
	}
	return f.Tail, true
}

// docText joins lines of comment, less the space behind each //.
func docText(comments []Comment) string {
	lines := make([]string, len(comments))
	for i, c := range comments {
		lines[i] = strings.TrimPrefix(c.Text, " ")
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}
