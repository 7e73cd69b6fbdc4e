//go:build race

package yodel_test

const underRace = true
