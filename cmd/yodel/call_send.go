package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/yodelrpc/yodel/idl/schema"
)

// A request is a call that is ready to be sent.
type request struct {
	name   string
	params params
	method *schema.Method // nil without a definition
	args   []byte         // the parameters as the basic protocol has them; only with a definition
}

// text returns the request of the line protocol, without the end of the line.
func (r *request) text() []byte {
	text, _ := json.Marshal(map[string]any{"name": r.name, "params": r.params})
	return text
}

func (r *request) overLine(ctx context.Context, address string) ([]byte, error) {
	var result []byte
	err := exchange(ctx, address, append(r.text(), '\n'), func(conn io.Reader) error {
		line, err := bufio.NewReader(io.LimitReader(conn, maxAnswer)).ReadBytes('\n')
		if err != nil {
			return fmt.Errorf("the answer is not whole, or longer than 4 MiB: %w", err)
		}
		result, err = parseAnswer(line)
		return err
	})
	return result, err
}

func (r *request) overHTTP(ctx context.Context, url string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(r.text()))
	if err != nil {
		return nil, usagef("%v", err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("no answer: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("the answer is not whole, or longer than 4 MiB: %w", err)
	}
	result, err := parseAnswer(body)
	if _, ok := errors.AsType[*remoteError](err); err != nil && !ok {
		return nil, fmt.Errorf("HTTP status %s: %w", resp.Status, err)
	}
	return result, err
}

// parseAnswer returns the result that an answer holds, or its error.
func parseAnswer(text []byte) ([]byte, error) {
	var answer struct {
		Result json.RawMessage
		Error  map[string]json.RawMessage
	}
	switch err := json.Unmarshal(text, &answer); {
	case err != nil:
		return nil, fmt.Errorf("the answer is not that of a call: %.200q", text)
	case answer.Error == nil && answer.Result == nil:
		return nil, fmt.Errorf("the answer has neither a result nor an error: %.200q", text)
	case answer.Error == nil:
		return answer.Result, nil
	}
	e := &remoteError{kind: unquote(answer.Error["type"]), message: unquote(answer.Error["message"])}
	delete(answer.Error, "type")
	delete(answer.Error, "message")
	if len(answer.Error) > 0 {
		fields, _ := json.Marshal(answer.Error)
		e.fields = string(fields)
	}
	return nil, e
}

// The first byte of an answer of the basic protocol.
const (
	basicResult    = 1
	basicException = 2 // and up: the first exception, the second
	basicError     = 255
)

func (r *request) overBasic(ctx context.Context, address string) ([]byte, error) {
	if r.method == nil {
		return nil, usagef("basic:// needs a definition; add -f FILE")
	}
	var result []byte
	message := appendSized(appendSized(nil, []byte(r.name)), r.args)
	err := exchange(ctx, address, message, func(conn io.Reader) (err error) {
		result, err = r.readBasic(conn)
		return err
	})
	return result, err
}

func (r *request) readBasic(conn io.Reader) ([]byte, error) {
	in := &basicReader{r: conn}
	result, err := r.basicAnswer(in)
	if in.err != nil {
		return nil, in.err
	}
	return result, err
}

// basicAnswer reads an answer. What goes wrong while reading stays in the reader.
func (r *request) basicAnswer(in *basicReader) ([]byte, error) {
	status := in.byte()
	exceptions := r.method.Exceptions
	switch i := int(status) - basicException; {
	case in.err != nil:
		return nil, in.err
	case status == basicResult:
		return r.basicResult(in), nil
	case status == basicError:
		return nil, &remoteError{message: in.string()}
	case i >= 0 && i < len(exceptions):
		return nil, basicExceptionOf(exceptions[i], in)
	}
	return nil, fmt.Errorf("the answer begins with byte %d, which is nothing that %s answers", status, r.method.Name)
}

func (r *request) basicResult(in *basicReader) []byte {
	t := r.method.Result
	if t == nil || t.Optional && in.byte() == 0 {
		return []byte("null")
	}
	return in.value(t)
}

// basicExceptionOf reads an exception: its message, and the other fields if it declares any.
func basicExceptionOf(x *schema.Exception, in *basicReader) error {
	e := &remoteError{kind: x.Name, message: in.string()}
	var others []*schema.Field
	for _, f := range x.Fields {
		if f.Name != "message" || f.Type.Kind != schema.String {
			others = append(others, f)
		}
	}
	if others != nil {
		e.fields = string(in.message(others))
	}
	return e
}

// exchange sends a request over a new TCP connection and reads the answer.
func exchange(ctx context.Context, address string, request []byte, read func(io.Reader) error) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("no server answers at %s: %w", address, err)
	}
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	defer conn.Close()
	_, err = conn.Write(request)
	if err == nil {
		err = read(conn)
	}
	if ctx.Err() != nil {
		return fmt.Errorf("no answer from %s in time: %w", address, ctx.Err())
	}
	return err
}
