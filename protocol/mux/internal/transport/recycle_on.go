//go:build !race

package transport

const spoils = false

func spoil([]byte) {}
