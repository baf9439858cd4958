# Guichet: what people run. `make help` lists it.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-builtin-rules

STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.7.0
OASDIFF     := github.com/oasdiff/oasdiff@v1.32.1
GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.1.4
FUZZTIME    ?= 5s
PKG         ?= ./...

# The race detector needs a C compiler.
RACE := $(shell command -v $${CC:-cc} >/dev/null 2>&1 && echo -race)

.PHONY: help
help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: serve
serve: ## run every system on an embedded database with demo data
	go run ./cmd/guichet serve

.PHONY: generate
generate: node_modules/.ready ## rewrite gen/ from spec/, queries/ and migrations/
	go generate .

.PHONY: test
test: node_modules/.ready ## run every test (PKG=./internal/contract for one package)
	@if [ -z "$(RACE)" ]; then \
		echo "SKIP race detector: no C compiler"; \
		[ "$${GUICHET_REQUIRE_ALL:-}" != 1 ] || exit 1; \
	fi
	go vet ./...
	go test $(RACE) -shuffle=on -timeout 10m $(PKG)

.PHONY: lint
lint: node_modules/.ready ## check formatting, Go, TypeScript and the contracts
	@unformatted=$$(gofmt -l cmd gen internal migrations spec *.go); [ -z "$$unformatted" ] || { echo "gofmt: $$unformatted"; exit 1; }
	go run $(STATICCHECK) ./...
	npx --no-install tsc -p gen/typescript --noEmit
	npx --no-install spectral lint --quiet --fail-severity hint 'spec/*/openapi.yaml'
	npx --no-install redocly lint 'spec/*/openapi.yaml'
	node spec/asyncapi-lint.mjs

.PHONY: fresh
fresh: ## prove that gen/ is what the generators write
	rm -rf gen
	$(MAKE) generate
	@stale=$$(git status --porcelain -- gen go.mod go.sum); [ -z "$$stale" ] || { echo "gen/ is not fresh:"; echo "$$stale"; exit 1; }

.PHONY: breaking
breaking: ## compare the contracts with those of the last release
	@base=$$(git describe --tags --abbrev=0 2>/dev/null) || { echo "no release yet: nothing that could break"; exit 0; }; \
	for doc in spec/*/openapi.yaml; do \
		if git cat-file -e "$$base:$$doc" 2>/dev/null; then \
			go run $(OASDIFF) breaking --fail-on ERR <(git show "$$base:$$doc") "$$doc"; \
		fi; \
	done

.PHONY: fuzz
fuzz: ## run every fuzz target for FUZZTIME (5s) each
	@grep -rlE '^func Fuzz' --include='*_test.go' internal cmd | while read -r file; do \
		for target in $$(sed -nE 's/^func (Fuzz[A-Za-z0-9_]*).*/\1/p' "$$file"); do \
			echo "fuzz ./$$(dirname "$$file") $$target"; \
			go test "./$$(dirname "$$file")" -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) | tail -n 2; \
		done; \
	done

.PHONY: bench
bench: ## measure beside the alternatives and print the tables (minutes)
	npm ci --prefix internal/bench --silent
	cd internal/bench && go run . bench

.PHONY: soak
soak: ## run under load for a while and print what memory and latency did
	cd internal/bench && go run . soak

.PHONY: vuln
vuln: ## look the dependencies up in Go's vulnerability database (needs its site)
	go run $(GOVULNCHECK) ./...

node_modules/.ready: package.json package-lock.json .npmrc
	npm ci --silent
	@touch $@
