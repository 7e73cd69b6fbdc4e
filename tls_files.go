package yodel

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/yodelrpc/yodel/rpc"
)

// TLSFiles are the PEM files of one side's TLS. A handshake looks, at most once a second, whether they have changed,
// and reads them again: what replaces a certificate has only to rename the new files over the old ones. While new files
// are broken, or the key is not yet that of the certificate, the old pair stays in use, with a line in the log.
type TLSFiles struct {
	// Certificate has this side's certificate, and behind it those that lead to its authority; Key has the private key.
	Certificate, Key string

	// CA has the authorities that sign the other side's certificates. On a server it demands a certificate of every
	// client; on a client it stands in place of the system's authorities, and is read once.
	CA string

	// Logger gets a line when files are read again, or cannot be; nil for none.
	Logger *slog.Logger
}

// Server returns a configuration for [ServerOptions]. It needs a certificate.
func (f TLSFiles) Server() (*tls.Config, error) {
	pair, err := f.pair()
	if err != nil {
		return nil, err
	}
	if pair == nil {
		return nil, errors.New("TLSFiles: a server needs Certificate and Key")
	}
	c := &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return pair.get(), nil }}
	if f.CA == "" {
		return c, nil
	}
	configs, err := watch(f.Logger, []string{f.CA}, func() (*tls.Config, error) {
		pool, err := readPool(f.CA)
		return &tls.Config{
			GetCertificate: c.GetCertificate, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert,
		}, err
	})
	if err != nil {
		return nil, err
	}
	c.ClientAuth = tls.RequireAndVerifyClientCert
	c.ClientCAs = configs.get().ClientCAs
	c.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { return configs.get(), nil }
	return c, nil
}

// Client returns a configuration for [DialOptions].
func (f TLSFiles) Client() (*tls.Config, error) {
	pair, err := f.pair()
	if err != nil {
		return nil, err
	}
	c := new(tls.Config)
	if pair != nil {
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return pair.get(), nil }
	}
	if f.CA != "" {
		c.RootCAs, err = readPool(f.CA)
	}
	return c, err
}

// pair returns the certificate with its key; nil for none.
func (f TLSFiles) pair() (*watched[tls.Certificate], error) {
	if (f.Certificate == "") != (f.Key == "") {
		return nil, errors.New("TLSFiles: Certificate and Key go together")
	}
	if f.Certificate == "" {
		return nil, nil
	}
	return watch(f.Logger, []string{f.Certificate, f.Key}, func() (*tls.Certificate, error) {
		c, err := tls.LoadX509KeyPair(f.Certificate, f.Key)
		if err != nil {
			return nil, fmt.Errorf("certificate %s with the key %s: %w", f.Certificate, f.Key, err)
		}
		return &c, nil
	})
}

func readPool(file string) (*x509.CertPool, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s has no certificate in PEM", file)
	}
	return pool, nil
}

// lookEvery is how often files are looked at.
const lookEvery = time.Second

// A watched is what was read from files, and is read again when these have changed.
type watched[T any] struct {
	files []string
	read  func() (*T, error)
	log   *rpc.Log

	mu     sync.Mutex
	value  *T
	stamps []stamp
	looked time.Time
}

// A stamp tells two versions of a file apart.
type stamp struct {
	size     int64
	modified time.Time
	file     os.FileInfo
}

func (s stamp) same(other stamp) bool {
	return s.size == other.size && s.modified.Equal(other.modified) && os.SameFile(s.file, other.file)
}

func watch[T any](logger *slog.Logger, files []string, read func() (*T, error)) (*watched[T], error) {
	w := &watched[T]{files: files, read: read, log: rpc.NewLog(logger), looked: time.Now()}
	var err error
	if w.stamps, err = w.stamp(); err != nil {
		return nil, err
	}
	if w.value, err = read(); err != nil {
		return nil, err
	}
	return w, nil
}

// stamp returns the stamps of the files as they are.
func (w *watched[T]) stamp() ([]stamp, error) {
	var stamps []stamp
	for _, file := range w.files {
		info, err := os.Stat(file)
		if err != nil {
			return nil, err
		}
		stamps = append(stamps, stamp{info.Size(), info.ModTime(), info})
	}
	return stamps, nil
}

// get returns what the files hold, as far as they can be read.
func (w *watched[T]) get() *T {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	if now.Sub(w.looked) < lookEvery {
		return w.value
	}
	w.looked = now
	stamps, err := w.stamp() // before reading: what changes while they are read is read again
	if err == nil && slices.EqualFunc(stamps, w.stamps, stamp.same) {
		return w.value
	}
	var value *T
	if err == nil {
		value, err = w.read()
	}
	if err != nil {
		w.log.Warn("cannot read files of TLS again; what was read before stays in use", "files", w.files, "cause", err)
		return w.value
	}
	w.value, w.stamps = value, stamps
	w.log.Info("read files of TLS again", "files", w.files)
	return w.value
}
