package rpc

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// logsPerSecond bounds the lines of one server or channel about bad peers and panics.
const logsPerSecond = 10

// A Log writes at most ten lines a second; the first line after some were left out says how many.
type Log struct {
	logger *slog.Logger

	mu      sync.Mutex
	second  int64
	lines   int
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
	dropped, ok := l.admit(time.Now().Unix())
	if !ok {
		return
	}
	if dropped > 0 {
		args = append(args, "lines_left_out", dropped)
	}
	l.logger.Log(context.Background(), level, msg, args...)
}

func (l *Log) admit(second int64) (dropped int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if second != l.second {
		l.second, l.lines = second, 0
	}
	if l.lines >= logsPerSecond {
		l.dropped++
		return 0, false
	}
	l.lines++
	dropped, l.dropped = l.dropped, 0
	return dropped, true
}
