package interop_test

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"io"
	"net"
	"os"
	"reflect"
	"strings"
	"testing"

	"encoding/binary"

	"github.com/yodelrpc/yodel/internal/nettest"
)

// A vector is one row of the files in protocol/basic/testdata; see the fields' names there.
type vector struct {
	Name      string
	Method    string
	Arguments string // hex
	Request   string // hex, of a whole request; of the line protocol JSON
	Response  string // hex
	Code      string
}

func readJSON(t *testing.T, path string, rows any) {
	t.Helper()
	data, err := os.ReadFile("../../protocol/" + path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, rows); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	data, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func block(data []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(data))), data...)
}

func connect(t *testing.T, to nettest.Listener) net.Conn {
	t.Helper()
	conn, err := to.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func TestBasicVectors(t *testing.T) { overAll(t, testBasicVectors) }

func testBasicVectors(t *testing.T, to nettest.Listener) {
	conn := connect(t, to)
	for _, path := range []string{"basic/testdata/values.json", "basic/testdata/calls.json"} {
		var vectors []vector
		readJSON(t, path, &vectors)
		for _, v := range vectors {
			t.Run(v.Name, func(t *testing.T) {
				request := append(block([]byte(v.Method)), block(unhex(t, v.Arguments))...)
				want := unhex(t, v.Response)
				if got := exchange(t, conn, request, len(want)); !bytes.Equal(got, want) {
					t.Errorf("%s(%s) answers %x, want %x", v.Method, v.Arguments, got, want)
				}
			})
		}
	}
}

// exchange sends a request and returns the next n bytes.
func exchange(t *testing.T, conn net.Conn, request []byte, n int) []byte {
	t.Helper()
	if _, err := conn.Write(request); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, n)
	if _, err := io.ReadFull(conn, got); err != nil {
		t.Fatalf("%v after %x", err, got)
	}
	return got
}

func TestBasicBadRequests(t *testing.T) { overAll(t, testBasicBadRequests) }

func testBasicBadRequests(t *testing.T, to nettest.Listener) {
	conn := connect(t, to)
	var vectors []vector
	readJSON(t, "basic/testdata/bad.json", &vectors)
	for _, v := range vectors {
		t.Run(v.Name, func(t *testing.T) {
			head := exchange(t, conn, unhex(t, v.Request), 5)
			if head[0] != 255 {
				t.Fatalf("status %d, want 255", head[0])
			}
			text := make([]byte, binary.BigEndian.Uint32(head[1:]))
			if _, err := io.ReadFull(conn, text); err != nil {
				t.Fatal(err)
			}
			if code, _, _ := strings.Cut(string(text), ": "); code != v.Code {
				t.Errorf("code %s, want %s: %s", code, v.Code, text)
			}
		})
	}
}

func TestLineVectors(t *testing.T) { overAll(t, testLineVectors) }

func testLineVectors(t *testing.T, to nettest.Listener) {
	conn := connect(t, to)
	lines := bufio.NewReader(conn)
	var vectors []struct {
		Name, Request string
		Response      any
	}
	readJSON(t, "line/testdata/calls.json", &vectors)
	for _, v := range vectors {
		t.Run(v.Name, func(t *testing.T) {
			var got any
			answer(t, conn, lines, v.Request, &got)
			if !reflect.DeepEqual(got, v.Response) {
				t.Errorf("%s answers %v, want %v", v.Request, got, v.Response)
			}
		})
	}
}

// answer sends a line and reads the next one.
func answer(t *testing.T, conn net.Conn, lines *bufio.Reader, request string, to any) {
	t.Helper()
	if _, err := io.WriteString(conn, request+"\r\n"); err != nil {
		t.Fatal(err)
	}
	line, err := lines.ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(line, to); err != nil {
		t.Fatalf("%v: %s", err, line)
	}
}

func TestLineBadRequests(t *testing.T) { overAll(t, testLineBadRequests) }

func testLineBadRequests(t *testing.T, to nettest.Listener) {
	conn := connect(t, to)
	lines := bufio.NewReader(conn)
	var vectors []vector
	readJSON(t, "line/testdata/bad.json", &vectors)
	for _, v := range vectors {
		t.Run(v.Name, func(t *testing.T) {
			var got struct {
				Error struct{ Type, Message string }
			}
			answer(t, conn, lines, v.Request, &got)
			if got.Error.Type != v.Code {
				t.Errorf("%.200s answers %q (%s), want %q", v.Request, got.Error.Type, got.Error.Message, v.Code)
			}
		})
	}
}
