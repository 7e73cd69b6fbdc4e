package main

import "context"

func runCheck(ctx context.Context, args []string) error { return nil }
