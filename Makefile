# Everything a contributor runs. "make" lists it.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
COMMIT  ?= $(shell git rev-parse HEAD 2>/dev/null)

LDFLAGS := -s -w \
	-X github.com/fairlead-cd/fairlead/internal/app.version=$(VERSION) \
	-X github.com/fairlead-cd/fairlead/internal/app.commit=$(COMMIT)

# The dev cluster reports the version of the Kubernetes it is built from: charts check kubeVersion.
KUBERNETES = $(shell cd devcluster && go list -m -f '{{.Version}}' k8s.io/kubernetes)
DEVCLUSTER_LDFLAGS = -s -w \
	-X k8s.io/component-base/version.gitVersion=$(KUBERNETES) \
	-X k8s.io/component-base/version.gitMajor=$(word 1,$(subst ., ,$(KUBERNETES:v%=%))) \
	-X k8s.io/component-base/version.gitMinor=$(word 2,$(subst ., ,$(KUBERNETES:v%=%)))

export CGO_ENABLED ?= 0
# The same flags for build, test and vet let them share compiled packages; Kubernetes takes minutes.
export GOFLAGS := $(strip $(GOFLAGS) -trimpath)
GOFILES = git ls-files --cached --others --exclude-standard '*.go'

##@ Run

.PHONY: up
up: build ## Start the dev cluster, Git server, registry and Fairlead on this machine
	bin/fairlead up --detach

.PHONY: down
down: ## Stop all of it and leave nothing running
	bin/fairlead down

##@ Build

.PHONY: build
build: bin/fairlead bin/fairlead-devcluster ## Build both binaries into bin/

.PHONY: bin/fairlead
bin/fairlead:
	go build -ldflags '$(LDFLAGS)' -o $@ ./cmd/fairlead

.PHONY: bin/fairlead-devcluster
bin/fairlead-devcluster:
	cd devcluster && go build -ldflags '$(DEVCLUSTER_LDFLAGS)' -o ../$@ .

.PHONY: generate
generate: ## Write deep copies and custom resource definitions from the types under api/
	rm -f api/crds/*.yaml charts/fairlead/files/crds/*.yaml
	go tool controller-gen object paths=./api/...
	go tool controller-gen crd:maxDescLen=300 paths=./api/... output:crd:dir=api/crds
	cp api/crds/*.yaml charts/fairlead/files/crds/

##@ Measure

# What make bench takes: N=100,500,1000,5000 PEERS=files HELM=binary WORKLOADS=mttp,one,commands REST=5m
N ?= 100,500,1000
BENCH = -n $(N) $(if $(PEERS),-peers $(PEERS)) $(if $(HELM),-helm $(HELM)) $(if $(WORKLOADS),-workloads $(WORKLOADS)) $(if $(REST),-rest $(REST))

.PHONY: bench
bench: build ## Measure Fairlead, and what PEERS names, against the floor (docs/benchmarks.md)
	go run ./bench $(BENCH)

##@ Check

.PHONY: test
test: build ## Run every test, from unit tables to stories against a real API server and node
	go test -timeout 20m ./...
	cd devcluster && go test -timeout 20m ./...

.PHONY: test-race
test-race: build ## Run the tests of the main module with the race detector (needs a C compiler)
	CGO_ENABLED=1 go test -race -timeout 30m ./...

.PHONY: check
check: check-format check-vet check-lint check-imports check-generated check-modules ## Everything that is looked at without running the program

.PHONY: check-format
check-format:
	@unformatted=$$($(GOFILES) | xargs gofmt -l); \
	if [ -n "$$unformatted" ]; then echo "not formatted, run gofmt -w on:"; echo "$$unformatted"; exit 1; fi

.PHONY: check-vet
check-vet:
	go vet ./...
	cd devcluster && go vet ./...

.PHONY: check-lint
check-lint:
	go tool staticcheck ./...

.PHONY: check-imports
check-imports:
	go test -count=1 ./internal/depcheck

.PHONY: check-generated
check-generated:
	@digest() { cat api/*/*/zz_generated.deepcopy.go api/crds/*.yaml charts/fairlead/files/crds/*.yaml | sha256sum; }; \
	before=$$(digest); \
	$(MAKE) --no-print-directory generate; \
	if [ "$$before" != "$$(digest)" ]; then echo "generated files were out of date: commit what changed under api/ and charts/"; exit 1; fi

.PHONY: check-modules
check-modules:
	go mod tidy -diff
	cd devcluster && go mod tidy -diff

##@ Other

.PHONY: clean
clean: ## Remove what make built
	rm -rf bin

.PHONY: help
help: ## Show this
	@awk 'BEGIN {FS = ":.*## "} \
		/^##@ / {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
