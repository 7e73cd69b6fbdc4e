package yodel_test

func mainOfProgram() bool { return false }
