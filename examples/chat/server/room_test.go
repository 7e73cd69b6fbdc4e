package main

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/examples/chat"
	"github.com/yodelrpc/yodel/rpc"
)

// A visitor is in the room, in a goroutine of its own, until it is told to leave.
type visitor struct {
	say   chan string
	heard chan string
	left  chan error
}

func join(ctx context.Context, client *chat.ChatClient, name string) *visitor {
	v := &visitor{say: make(chan string), heard: make(chan string, 1000), left: make(chan error, 1)}
	go func() {
		v.left <- client.Join(ctx, name, func(ctx context.Context, room *rpc.BidiStream[string, chat.Message]) error {
			sent := make(chan struct{})
			go func() {
				defer close(sent)
				for line := range v.say {
					_ = room.Send(ctx, line)
				}
				_ = room.CloseSend()
			}()
			defer func() { <-sent }()
			for m, err := range room.All() {
				if err != nil {
					return err
				}
				v.heard <- fmt.Sprintf("%s: %s", m.From, m.Text)
			}
			return nil
		})
	}()
	synctest.Wait()
	return v
}

func (v *visitor) all() (lines []string) {
	synctest.Wait()
	for len(v.heard) > 0 {
		lines = append(lines, <-v.heard)
	}
	return lines
}

func TestRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRoom()
		server := yodel.NewServer(chat.NewChatService(r))
		defer server.Close()
		ch := server.Channel()
		defer ch.Close()
		client := chat.NewChatClient(ch)

		ann := join(t.Context(), client, "ann")
		ctx, cancel := context.WithCancel(t.Context())
		bob := join(ctx, client, "bob")
		ann.say <- "hello"
		synctest.Wait() // until it has been said
		bob.say <- "hi"
		const want = "[: ann has come : bob has come ann: hello bob: hi]"
		if got := fmt.Sprint(ann.all()); got != want {
			t.Errorf("ann heard %s", got)
		}
		if got := fmt.Sprint(bob.all()); got != "[: bob has come ann: hello bob: hi]" {
			t.Errorf("bob heard %s", got)
		}

		other := join(t.Context(), client, "ann")
		close(other.say)
		var taken *chat.NameTaken
		if err := <-other.left; !errors.As(err, &taken) {
			t.Errorf("a second ann: %v", err)
		}
		nameless := join(t.Context(), client, "")
		close(nameless.say)
		var e *rpc.Error
		if err := <-nameless.left; !errors.As(err, &e) || e.Code != rpc.InvalidArgument {
			t.Errorf("a name of no letters: %v", err)
		}

		cancel() // as the program is ended, or the line cut
		close(bob.say)
		if err := <-bob.left; !errors.Is(err, context.Canceled) {
			t.Errorf("bob left with %v", err)
		}
		if got := fmt.Sprint(ann.all()); got != "[: bob has gone]" {
			t.Errorf("ann heard %s", got)
		}
		close(ann.say)
		if err := <-ann.left; err != nil {
			t.Errorf("ann left with %v", err)
		}
		synctest.Wait()
		if len(r.members) > 0 {
			t.Errorf("there are still %d in the room", len(r.members))
		}
	})
}
