package measure

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Usage is what a process has used since it began, and what it holds now.
type Usage struct {
	CPU      time.Duration // user and system
	Switches int64         // context switches, voluntary and not
	Writes   int64         // system calls that write; 0 where the system does not tell
	Mallocs  uint64
	Heap     uint64 // bytes of live and not yet collected objects
	Stack    uint64 // bytes of goroutines' stacks
	RSS      uint64 // bytes of memory in use, as the system sees it; 0 where it does not tell
}

// CPU is the time that this process has used of all processors, by itself and by the system for it.
func CPU() time.Duration {
	r := rusage()
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

func rusage() syscall.Rusage {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		panic(fmt.Sprintf("the system does not tell this process's own usage: %v", err)) // it cannot refuse
	}
	return r
}

// usage returns this process's.
func usage() Usage {
	r := rusage()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return Usage{
		CPU:      time.Duration(r.Utime.Nano() + r.Stime.Nano()),
		Switches: r.Nvcsw + r.Nivcsw,
		Writes:   procNumber("/proc/self/io", "syscw:"),
		Mallocs:  m.Mallocs,
		Heap:     m.HeapAlloc,
		Stack:    m.StackInuse,
		RSS:      uint64(procNumber("/proc/self/status", "VmRSS:")) << 10,
	}
}

// collectedUsage returns this process's after its garbage is gone.
func collectedUsage() Usage {
	for range 2 { // the second one empties what pools keep over the first
		runtime.GC()
	}
	return usage()
}

// procNumber returns the number after key in one of Linux's /proc files, or 0 where there is none.
func procNumber(path, key string) int64 {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	for line := range bytes.Lines(text) {
		fields := strings.Fields(string(line))
		if len(fields) < 2 || fields[0] != key {
			continue
		}
		n, err := strconv.ParseInt(fields[1], 10, 64)
		if err != nil {
			return 0
		}
		return n
	}
	return 0
}
