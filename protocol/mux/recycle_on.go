//go:build !race

package mux

const spoils = false

func spoil([]byte) {}
