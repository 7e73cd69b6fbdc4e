package yodel_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/examples/divide"
	"github.com/yodelrpc/yodel/internal/tlstest"
	"github.com/yodelrpc/yodel/rpc"
)

type halves struct{}

func (halves) Divide(_ context.Context, num1, num2 int32) (float32, error) {
	return float32(num1) / float32(num2), nil
}

// otherHTTP is a handler of the program's own.
func otherHTTP(running chan<- context.Context) http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("/metrics", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %t", r.Proto, r.TLS != nil)
	})
	m.HandleFunc("POST /{$}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "not a call: %s", r.Header.Get("Content-Type"))
	})
	m.HandleFunc("POST /divide.Divide/divide", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "Grpc-Status")
		_, _ = io.Copy(io.Discard, r.Body)
		io.WriteString(w, "answer")
		w.Header().Set("Grpc-Status", "0")
	})
	m.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) { // full duplex, a line at a time
		c := http.NewResponseController(w)
		_ = c.EnableFullDuplex() // HTTP/2 is so anyway
		w.WriteHeader(http.StatusOK)
		_ = c.Flush()
		for lines := bufio.NewScanner(r.Body); lines.Scan(); {
			fmt.Fprintf(w, "%s!\n", lines.Text())
			if c.Flush() != nil {
				return
			}
		}
	})
	m.HandleFunc("/socket", func(w http.ResponseWriter, r *http.Request) {
		nc, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		defer nc.Close()
		io.WriteString(nc, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: lines\r\n\r\n")
		for {
			line, err := buffered.ReadString('\n')
			if err != nil {
				return
			}
			io.WriteString(nc, "> "+line)
		}
	})
	m.HandleFunc("/wait", func(w http.ResponseWriter, r *http.Request) {
		running <- r.Context()
		<-r.Context().Done()
	})
	return m
}

func serveHTTP(t *testing.T, h http.Handler) (address string, authority *tlstest.Authority, server *yodel.Server) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	authority = tlstest.New(t, "web")
	server = yodel.ServerOptions{HTTP: h, TLS: authority.Server(),
		AllowPlaintext: true}.NewServer(divide.NewService(halves{}))
	served := make(chan error, 1)
	go func() { served <- server.Serve(t.Context(), ln) }()
	t.Cleanup(func() {
		server.Close()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return ln.Addr().String(), authority, server
}

func TestHTTPThatIsNoCall(t *testing.T) {
	t.Parallel()
	address, authority, _ := serveHTTP(t, otherHTTP(nil))
	for name, set := range map[string]func(*http.Transport, *http.Protocols) (url, metrics string){
		"HTTP/1.1": func(_ *http.Transport, p *http.Protocols) (string, string) {
			p.SetHTTP1(true)
			return "http://" + address, "HTTP/1.1 false"
		},
		"h2c": func(_ *http.Transport, p *http.Protocols) (string, string) {
			p.SetUnencryptedHTTP2(true)
			return "http://" + address, "HTTP/2.0 false"
		},
		"HTTP/1.1 inside TLS": func(tr *http.Transport, p *http.Protocols) (string, string) {
			p.SetHTTP1(true)
			tr.TLSClientConfig = authority.Client()
			return "https://" + address, "HTTP/1.1 true"
		},
		"h2": func(tr *http.Transport, p *http.Protocols) (string, string) {
			p.SetHTTP2(true)
			tr.TLSClientConfig = authority.Client()
			return "https://" + address, "HTTP/2.0 true"
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			transport := &http.Transport{Protocols: new(http.Protocols)}
			url, metrics := set(transport, transport.Protocols)
			defer transport.CloseIdleConnections()
			c := &http.Client{Transport: transport}
			ask := func(method, path, contentType, body string) (*http.Response, string) {
				t.Helper()
				r, err := http.NewRequestWithContext(t.Context(), method, url+path, strings.NewReader(body))
				if err != nil {
					t.Fatal(err)
				}
				if contentType != "" {
					r.Header.Set("Content-Type", contentType)
				}
				response, err := c.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				defer response.Body.Close()
				answer, err := io.ReadAll(response.Body)
				if err != nil {
					t.Fatal(err)
				}
				return response, string(answer)
			}
			const call = `{"name": "divide", "params": {"num1": 6, "num2": 3}}`
			for _, test := range []struct{ method, path, contentType, body, want string }{
				{"POST", "/", "", call, "{\"result\": 2}\r\n"},
				{"POST", "/", "application/json", call, "{\"result\": 2}\r\n"},
				{"POST", "/", "application/grpc+proto", call, "not a call: application/grpc+proto"},
				{"GET", "/metrics", "", "", metrics},
				{"GET", "/nothing", "", "", "404 page not found\n"},
			} {
				if _, got := ask(test.method, test.path, test.contentType, test.body); got != test.want {
					t.Errorf("%s %s of %q: %q; want %q", test.method, test.path, test.contentType, got, test.want)
				}
			}
			if _, page := ask("GET", "/", "", ""); !strings.Contains(page, "This is a Yodel server") {
				t.Errorf("GET / is %q", page)
			}
			if r, got := ask("POST", "/divide.Divide/divide", "application/grpc", "x"); got != "answer" ||
				r.Trailer.Get("Grpc-Status") != "0" {
				t.Errorf("answered %q with the trailer %v", got, r.Trailer)
			}
			duplex(t, c, url)
		})
	}
}

// duplex sends a line once the answer to the one before is there.
func duplex(t *testing.T, c *http.Client, url string) {
	t.Helper()
	body, lines := io.Pipe()
	defer lines.Close()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/echo", body)
	if err != nil {
		t.Fatal(err)
	}
	response, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answers := bufio.NewReader(response.Body)
	for _, line := range []string{"a", "b"} {
		if _, err := io.WriteString(lines, line+"\n"); err != nil {
			t.Fatal(err)
		}
		if got, err := answers.ReadString('\n'); got != line+"!\n" {
			t.Fatalf("the answer to %s is %q, %v", line, got, err)
		}
	}
}

// A request that runs holds Shutdown, which cuts it at the end of its time.
func TestShutdownWaitsForOtherHTTP(t *testing.T) {
	t.Parallel()
	running := make(chan context.Context, 1)
	address, _, server := serveHTTP(t, otherHTTP(running))
	nc, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	io.WriteString(nc, "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
	request := <-running
	ctx, cancel := context.WithCancel(t.Context())
	shut := make(chan error)
	go func() { shut <- server.Shutdown(ctx) }()
	select {
	case err := <-shut:
		t.Fatalf("Shutdown returned %v while a request ran", err)
	case <-request.Done():
		t.Fatal("the request was cut")
	default:
	}
	cancel()
	<-request.Done()
	if err := <-shut; !errors.Is(err, context.Canceled) {
		t.Errorf("Shutdown returned %v", err)
	}
}

// bindable is bound to the server's methods.
type bindable struct {
	http.Handler
	err error
}

func (b bindable) Bind(d *rpc.Dispatcher) (http.Handler, error) {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, d.Routes()[0].FullName)
	}), b.err
}

type bindsNothing struct{ http.Handler }

func (bindsNothing) Bind(*rpc.Dispatcher) (http.Handler, error) { return nil, nil }

func TestHTTPIsBound(t *testing.T) {
	t.Parallel()
	address, _, _ := serveHTTP(t, bindable{})
	transport := new(http.Transport)
	defer transport.CloseIdleConnections()
	response, err := (&http.Client{Transport: transport}).Get("http://" + address)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if got, _ := io.ReadAll(response.Body); string(got) != "divide.Divide/divide" {
		t.Errorf("answered %q", got)
	}
	broken := yodel.ServerOptions{HTTP: bindable{err: errors.New("no schema")}}.NewServer()
	if err := broken.ListenAndServe(t.Context(), "127.0.0.1:0"); err == nil ||
		err.Error() != "ServerOptions.HTTP: no schema" {
		t.Errorf("ListenAndServe returned %v", err)
	}
	broken = yodel.ServerOptions{HTTP: bindsNothing{}}.NewServer()
	if err := broken.ListenAndServe(t.Context(), "127.0.0.1:0"); err == nil ||
		!strings.Contains(err.Error(), "bindsNothing.Bind returned neither a handler nor an error") {
		t.Errorf("ListenAndServe returned %v", err)
	}
	noWeb := yodel.ServerOptions{HTTP: http.NotFoundHandler(), Protocols: yodel.Protocols()[:1]}.NewServer()
	if err := noWeb.ListenAndServe(t.Context(), "127.0.0.1:0"); err == nil ||
		!strings.Contains(err.Error(), "carries HTTP") {
		t.Errorf("ListenAndServe returned %v", err)
	}
}
