package system

import "runtime/debug"

// Version is the version of the system's module that is built into this program, or Go's own version for a system
// without a module.
func (s System) Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if s.Module == "" {
		return info.GoVersion
	}
	for _, dep := range info.Deps {
		if dep.Path == s.Module {
			return version(dep)
		}
	}
	return "unknown"
}

func version(m *debug.Module) string {
	if m.Replace != nil {
		return "this tree"
	}
	return m.Version
}
