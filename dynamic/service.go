package dynamic

import (
	"github.com/yodelrpc/yodel/idl/schema"
	"github.com/yodelrpc/yodel/rpc"
)

// A Service is a service of a definition.
type Service struct {
	schema  *schema.Service
	methods []*Method
}

func (b *builder) service(s *schema.Service) (*Service, error) {
	d := &Service{schema: s}
	for _, m := range s.Methods {
		method, err := b.method(m, d.Name())
		if err != nil {
			return nil, err
		}
		d.methods = append(d.methods, method)
	}
	return d, nil
}

// Schema returns the declaration.
func (s *Service) Schema() *schema.Service { return s.schema }

// Name returns the full name: "calc.Calculator".
func (s *Service) Name() string { return s.schema.File.Package + "." + s.schema.Name }

// Methods returns the methods, in the order of the text. Nobody changes the list.
func (s *Service) Methods() []*Method { return s.methods }

// NewService returns the service for a server, with h to answer all methods but those with streams, which it leaves
// out.
func (s *Service) NewService(h Handler) *rpc.Service {
	var endpoints []*rpc.Endpoint
	for _, m := range s.methods {
		if !m.Streams() {
			endpoints = append(endpoints, m.Handle(h))
		}
	}
	return rpc.NewService(s.Name(), endpoints...)
}
