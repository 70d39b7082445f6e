# Every task by name; "make help" lists them. Nothing here needs root.
SHELL := /bin/bash
GO ?= go
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
FUZZTIME ?= 30s
# Packages under test at once: browsers and databases are waited for, and two
# cores would stand idle.
ATONCE ?= $(shell n=$$(getconf _NPROCESSORS_ONLN); echo $$((n > 3 ? n : 3)))
# Packages most of whose tests let goroutines meet; of others "race" names the
# tests. The race detector needs gcc.
RACE := ./internal/revocation ./internal/ratelimit

.DEFAULT_GOAL := help

help: ## list the tasks
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## the static binary, bin/gatehouse
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/gatehouse ./cmd/gatehouse

release: ## archives, checksums and SBOM of a tag, for every platform: make release VERSION=v0.3.1
	scripts/release.sh $(VERSION)

run: ## Gatehouse in development mode, and the Next.js example behind it if Node.js is here
	@scripts/run.sh

test: ## every test; says what is missing on this machine and skips that by name
	@scripts/missing.sh
	@# The long ones first: the others run beside them. Lint vets.
	$(GO) test -vet=off -p $(ATONCE) -timeout 15m ./test/e2e ./test/docs ./...
	@$(GO) test -run TestReplay -v ./internal/web/authjs | sed -n 's/^ *replay_test.go:[0-9]*: //p'
	@if command -v gcc >/dev/null; then $(MAKE) --no-print-directory race; else echo "skipped: the race detector needs gcc"; fi

race: ## the tests in which goroutines meet, under the race detector
	CGO_ENABLED=1 $(GO) test -race -short -timeout 15m $(RACE)
	CGO_ENABLED=1 $(GO) test -race -short -timeout 15m -run 'Gate|Server|InTx|Group|[Cc]oncurren|Close|AtOnce' -skip 'TestOffice|TestRedis' \
		. ./internal/password ./internal/signin ./internal/token ./internal/registration ./internal/web/guard ./cmd/gatehouse ./internal/store/sqlstore

lint: ## gofmt, vet and staticcheck
	@bad=$$(git ls-files -co --exclude-standard '*.go' | xargs gofmt -l); if [ -n "$$bad" ]; then echo "not gofmt-ed:"; echo "$$bad"; exit 1; fi
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...

check: lint test ## what CI runs

fuzz: ## each fuzz target for FUZZTIME (30s)
	@scripts/fuzz.sh $(FUZZTIME)

bench: ## the benchmarks with allocations, then everything against bare handlers, raw hashing and the npm peers, and the growth with sessions: twelve minutes; QUICK=1 for three
	$(GO) test -run xxx -bench . -skip SessionCreation -benchmem -benchtime $(if $(QUICK),20ms,300ms) \
		./internal/seal ./internal/session ./internal/token ./internal/password ./internal/ratelimit ./internal/store/redisstore ./internal/rbac ./internal/apikey ./internal/audit \
		./internal/web/authjs/wire ./internal/web/clientip ./internal/telemetry ./internal/store/sqlstore .
	$(GO) run ./bench $(if $(QUICK),-quick)

	$(GO) test -run xxx -bench . -benchtime $(if $(QUICK),20ms,1s) -timeout 30m ./bench/growth

bench-large: ## a check beside ten million live sessions, on each database; fills it first (half an hour, 10 GB of disk)
	GATEHOUSE_LARGE=10000000 $(GO) test -run xxx -bench . -timeout 3h ./bench/growth

timing: ## whether a stopwatch tells known from unknown identifiers, twenty minutes on a machine that does nothing else; QUICK=1 for one
	$(GO) run ./bench/timing $(if $(QUICK),-quick)

soak: ## the long rounds: kill -9 while writing, of the store alone and of the whole program; revocations on three servers, and failovers under them; interleavings on two nodes; an import of 400,000 lines
	GATEHOUSE_SOAK=100 $(GO) test -count 1 -timeout 40m -run 'Kill|Soak|memoryDoesNotGrow|missesNothingOfWriters|Cluster|Failover|givesUpOnADatabase|ThroughAPooler|Interleavings' -v ./internal/store/sqlstore ./test/crash ./test/failclosed ./cmd/gatehouse ./test/cluster

vectors: ## record the Auth.js sequences anew from the npm packages
	cd scripts/vectors && npm install --no-save --no-package-lock --legacy-peer-deps --no-audit --no-fund && node generate.mjs && node check.mjs

common-passwords: ## reduce the list of common passwords anew from its npm package
	cd scripts/common-passwords && npm install --no-save --no-package-lock --no-audit --no-fund && node make-list.mjs

golden: ## write the golden files anew; read the difference before committing
	$(GO) test ./internal/config/reference -run isWhatTheSettingsAre -update
	$(GO) test ./cmd/gatehouse -update
	$(GO) generate ./internal/seam/faults
	$(GO) test ./test/failclosed -update

docs: ## run the commands that stand in the documentation
	$(GO) test -count 1 -timeout 15m -v ./test/docs

man: ## the manual page, bin/gatehouse.1
	@mkdir -p bin
	$(GO) run ./cmd/gatehouse help --man > bin/gatehouse.1

screenshots: ## the pictures of docs/screens.md (needs chromium)
	GATEHOUSE_SCREENSHOTS=$(CURDIR)/docs/images/screens $(GO) test ./test/e2e -run TestScreens -count 1

evidence-breaks: ## breaks one control after the other and wants its test to fail (some minutes)
	$(GO) run ./scripts/evidence -break all

vuln: ## known vulnerabilities of what is linked (asks vuln.go.dev)
	$(GO) run golang.org/x/vuln/cmd/govulncheck@latest ./...

clean: ## remove what was built
	rm -rf bin dist .build examples/*/.next

.PHONY: help build release run test race lint check fuzz bench bench-large timing soak vectors common-passwords golden man screenshots vuln evidence-breaks clean docs
