.DEFAULT_GOAL := help
.PHONY: help demo test race fuzz lint generate fmt bench ci

DEFINITIONS = $(shell git ls-files '*.yodel' ':!:*/testdata/*')

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "%-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## serve and call the one-line definition
	go run ./cmd/yodel demo

test: ## run the tests; what needs a program that is missing is skipped
	go test ./...

race: ## run the tests with the race detector
	go test -race ./...

fuzz: ## run one fuzz target for a minute: make fuzz PACKAGE=./idl/syntax NAME=FuzzParse
	go test -run '^$$' -fuzz '^$(NAME)$$' -fuzztime 1m -fuzzminimizetime 100x $(PACKAGE)

lint: ## gofmt, go vet and the linters of .golangci.yml, where golangci-lint is installed
	gofmt -l .
	go vet ./...
	golangci-lint run

generate: ## make every generated file that is checked in anew
	@set -e; for f in $(DEFINITIONS); do \
		if [ -e "$${f%.yodel}.go" ]; then go run ./cmd/yodel gen "$$f"; fi; \
	done
	go generate ./...

fmt: ## format Go and definitions
	gofmt -w .
	go run ./cmd/yodel fmt -w $(DEFINITIONS)

bench: ## compare with other systems
	$(MAKE) -C bench run

ci: ## what CI runs; as root on Debian, since it installs what it needs
	.ci/run
