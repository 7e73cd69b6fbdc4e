//go:build !race

package mux

const recycles = true
