package main

import (
	"context"
	"io"
	"sync"

	"github.com/yodelrpc/yodel/examples/chat"
	"github.com/yodelrpc/yodel/rpc"
)

// maxBehind is how many messages may wait for one who reads slowly, before that one has to go: nobody waits for them.
const maxBehind = 256

// A room passes on to everybody what anybody says.
type room struct {
	mu      sync.Mutex
	members map[string]chan chat.Message // by name; closed for one who was too slow
}

func newRoom() *room { return &room{members: make(map[string]chan chat.Message)} }

// Join implements [chat.ChatHandler].
func (r *room) Join(ctx context.Context, name string, stream *rpc.BidiStream[chat.Message, string]) error {
	messages, err := r.enter(name)
	if err != nil {
		return err
	}
	defer r.leave(name, messages)
	listening, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- r.listen(listening, name, stream) }()
	defer func() { // the goroutine uses the stream, which lives as long as this function
		stop()
		<-ended
	}()
	for {
		select {
		case err := <-ended:
			ended <- err // for the function above
			return err
		case m, ok := <-messages:
			if !ok {
				return rpc.Errorf(rpc.ResourceExhausted, "%d messages were waiting for %s to read", maxBehind, name)
			}
			if err := stream.Send(ctx, m); err != nil {
				return err
			}
		}
	}
}

// listen says in the room what a member says, until that says no more.
func (r *room) listen(ctx context.Context, name string, stream *rpc.BidiStream[chat.Message, string]) error {
	for {
		line, err := stream.Recv(ctx)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		r.say(chat.Message{From: name, Text: line})
	}
}

func (r *room) enter(name string) (chan chat.Message, error) {
	messages := make(chan chat.Message, maxBehind)
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, taken := r.members[name]; taken {
		return nil, chat.NewNameTaken()
	}
	r.members[name] = messages
	r.sayLocked(chat.Message{Text: name + " has come"})
	return messages, nil
}

func (r *room) leave(name string, messages chan chat.Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.members[name] == messages {
		delete(r.members, name)
	}
	r.sayLocked(chat.Message{Text: name + " has gone"})
}

func (r *room) say(m chat.Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sayLocked(m)
}

func (r *room) sayLocked(m chat.Message) {
	for name, messages := range r.members {
		select {
		case messages <- m:
		default:
			close(messages)
			delete(r.members, name)
		}
	}
}
