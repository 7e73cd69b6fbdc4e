package rpc

import "fmt"

// A Guard runs code that others wrote and this module only calls: handlers, interceptors, what messages and errors do
// of themselves, functions in options. Whatever such code does costs the call that it runs for, and nothing else:
// neither the process, nor the connection, nor other calls.
//
// It may panic, which ends as an error of code Internal and a line in the log. It may also end its goroutine by
// [runtime.Goexit], as testing's FailNow does, and nothing can keep the goroutine then. But its deferred functions
// still run, and in one of these Guard passes on what is left to do: the answer, and what else the goroutine was there
// for.
type Guard struct {
	Log    *Log
	Method *Method // nil where no call is concerned
	Local  bool    // the error is for this side, and says what the panic was; a peer is not told
}

// Run calls f and returns its error, or that of its panic. Where f ends the goroutine, exited is called with such an
// error, unless it is nil. After that the goroutine runs nothing but the deferred functions of Run's callers.
func (g Guard) Run(what string, f func() error, exited func(*Error)) (err error) {
	returned := false
	defer func() {
		if !returned {
			err = g.Caught(what, recover(), exited)
		}
	}()
	err = f()
	returned = true
	return err
}

// Caught is Run for code on the way of a call, where a closure costs too much: it calls f itself, and when f has not
// returned a deferred function calls Caught with what recover returned, nil for Goexit.
func (g Guard) Caught(what string, p any, exited func(*Error)) *Error {
	e := g.fault(what, p)
	if p == nil && exited != nil {
		exited(e)
	}
	return e
}

// fault writes to the log what has happened, and returns the error for it.
func (g Guard) fault(what string, p any) *Error {
	how, text := "panicked", ""
	if p == nil {
		how = "ended its goroutine by runtime.Goexit"
	} else {
		text = describe(p)
	}
	args := []any{"stack", stack()}
	if g.Method != nil {
		args = append(args, "method", g.Method.FullName())
	}
	if p != nil {
		args = append(args, "panic", text)
	}
	g.Log.Error(what+" "+how, args...)
	switch {
	case !g.Local:
		return Errorf(Internal, "%s %s; the server's log says where", what, how)
	case p != nil:
		return Errorf(Internal, "%s %s: %s", what, how, text)
	}
	return Errorf(Internal, "%s %s", what, how)
}

// describe returns the text of a panic's value, which may panic in its turn.
func describe(p any) string {
	text := "a value whose text cannot be had"
	Apart(func() { text = fmt.Sprint(p) })
	return text
}

// Apart calls f on a goroutine of its own, waits for it, and reports whether it returned, and did neither panic nor end
// its goroutine. It is for code that runs seldom, or where the caller's goroutine is not this module's to lose. What f
// panics with is lost: unless that is wanted, as for a logger that panics, f runs a [Guard].
func Apart(f func()) (returned bool) {
	ended := make(chan bool)
	go func() {
		returned := false
		defer func() {
			_ = recover()
			ended <- returned
		}()
		f()
		returned = true
	}()
	return <-ended
}

// Persist calls f. Where code that f called ends the goroutine, another one calls f again, which goes on with what is
// left to do, and so on until f returns. Persist ends with that: this goroutine, if it is to end, stays for so long.
// What the ended one was in the middle of is for a [Guard] to finish. A panic is passed on.
func Persist(f func()) {
	returned := false
	defer func() {
		if returned {
			return
		}
		if p := recover(); p != nil {
			panic(p)
		}
		ended := make(chan any)
		go persist(f, ended)
		if p := <-ended; p != nil {
			panic(p)
		}
	}()
	f()
	returned = true
}

// persist is Persist on a goroutine that nobody waits for: the end of f, or its panic, is sent to ended.
func persist(f func(), ended chan<- any) {
	returned := false
	defer func() {
		if p := recover(); p != nil || returned {
			ended <- p
			return
		}
		go persist(f, ended)
	}()
	f()
	returned = true
}
