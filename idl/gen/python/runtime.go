package python

import (
	"embed"
	"regexp"
)

//go:embed runtime/*.py
var runtimeFiles embed.FS

// runtimeParts are the files of the runtime in the order in which a reader meets them.
var runtimeParts = []string{
	"errors.py", "patterns.py", "types.py", "values.py", "constraints.py",
	"basic.py", "json_write.py", "json_read.py", "line.py", "wire.py",
	"channel.py",
	"mux_frames.py", "mux_peer.py", "mux_stream.py", "mux_client.py", "mux_link.py", "handlers.py", "streams.py",
	"server_conn.py", "server.py", "mux_incoming.py", "mux_server.py", "tls.py",
}

// runtime writes the runtime where the module has to bring its own.
func (m *module) runtime() {
	if len(m.file.Imports) > 0 {
		return
	}
	m.printf("\n\n# What follows is the same in every module, up to the tables at its end.\n")
	for _, text := range runtimeTexts {
		m.printf("\n\n%s", text)
	}
}

var runtimeTexts = readRuntime()

func readRuntime() []string {
	var texts []string
	for _, part := range runtimeParts {
		text, err := runtimeFiles.ReadFile("runtime/" + part)
		if err != nil {
			panic(err) // the file is part of this program
		}
		texts = append(texts, string(text))
	}
	return texts
}

// runtimeNames are the names at the top level of the runtime.
var runtimeNames = func() map[string]bool {
	found := make(map[string]bool)
	for _, text := range runtimeTexts {
		for _, match := range topLevel.FindAllStringSubmatch(text, -1) {
			found[match[1]] = true
		}
	}
	return found
}()

var topLevel = regexp.MustCompile(`(?m)^(?:class |def )?([A-Za-z_]\w*)(?:[(:]| = |: .* = )`)
