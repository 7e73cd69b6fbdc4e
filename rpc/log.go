package rpc

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// logsPerSecond bounds the lines of one server or channel about bad peers and panics.
const logsPerSecond = 10

// A Log writes at most ten lines in any second, besides those of Always; the first line after some were left out says
// how many. A server has one, and so has a channel: all their connections share it. A nil Log writes nothing.
type Log struct {
	logger *slog.Logger

	mu      sync.Mutex
	lines   [logsPerSecond]time.Time // when the last ones were written, in a ring
	next    int                      // the oldest of them
	dropped int
}

// NewLog returns a log to logger; nil writes nothing.
func NewLog(logger *slog.Logger) *Log { return &Log{logger: logger} }

// Info writes a line about what went well.
func (l *Log) Info(msg string, args ...any) { l.write(slog.LevelInfo, msg, args) }

// Warn writes a line about a peer that misbehaves.
func (l *Log) Warn(msg string, args ...any) { l.write(slog.LevelWarn, msg, args) }

// Error writes a line about a fault on this side.
func (l *Log) Error(msg string, args ...any) { l.write(slog.LevelError, msg, args) }

func (l *Log) write(level slog.Level, msg string, args []any) {
	if l == nil || l.logger == nil {
		return
	}
	dropped, ok := l.admit(time.Now())
	if !ok {
		return
	}
	if dropped > 0 {
		args = append(args, "lines_left_out", dropped)
	}
	l.Always(level, msg, args...)
}

// Always writes a line whatever the limit, and does not count it: one that somebody waits for, and no peer can cause.
// It runs the logger's handler, and the methods of what is logged, apart: they are the program's, and may do anything.
func (l *Log) Always(level slog.Level, msg string, args ...any) {
	if l != nil && l.logger != nil {
		Apart(func() { l.logger.Log(context.Background(), level, msg, args...) })
	}
}

func (l *Log) admit(now time.Time) (dropped int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if oldest := l.lines[l.next]; !oldest.IsZero() && now.Sub(oldest) < time.Second {
		l.dropped++
		return 0, false
	}
	l.lines[l.next] = now
	l.next = (l.next + 1) % logsPerSecond
	dropped, l.dropped = l.dropped, 0
	return dropped, true
}
