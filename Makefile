# `make help` lists the targets. CI runs `make check test` and nothing else.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
export PATH := $(PATH):$(or $(CARGO_HOME),$(HOME)/.cargo)/bin

.PHONY: help demo test check sizes fuzz bench-stream bench-spool bench-deidentification bench-deid deid-corpora bench-ingest bench-circle bench-limits

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-24s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## the whole circle with simulated peers; ONCE=1 ends by itself
	@echo "building the program: some minutes the first time, seconds later"
	@cargo run --release --quiet -- demo $(if $(ONCE),--once)

test: ## installs the peers it needs, then runs every test: unit, wire, real peers, faults
	scripts/install-test-peers.sh
	cargo build --quiet -p research-pacs
	@mkdir -p target; cargo test --quiet --workspace --doc >target/doctests.log 2>&1 || { cat target/doctests.log; exit 1; }
	RESEARCH_PACS_PYDICOM_FILES="$$(.venv/bin/python -c 'import pathlib, pydicom; print(pathlib.Path(pydicom.__file__).parent / "data")')" \
		scripts/with-postgres.sh cargo nextest run --workspace

check: ## formatting, lints, documentation, licences and sources of the dependencies
	scripts/install-test-peers.sh
	cargo fmt --all --check
	cargo clippy --quiet --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS=-Dwarnings cargo doc --quiet --workspace --no-deps
	cargo deny --log-level error check bans licenses sources

sizes: ## lengths of files and functions
	python3 scripts/sizes.py

fuzz: ## runs each fuzz target for SECONDS (30)
	scripts/fuzz.sh $(SECONDS)

bench-stream: ## reading and rewriting data sets, against a plain copy
	cargo bench -p dicom-stream --bench walk

bench-spool: ## appending to the receive spool
	cargo bench -p archive --bench spool

bench-deidentification: ## de-identifying, against a plain copy
	cargo bench -p deidentification --bench deidentify

bench-deid: ## judges de-identification: answer key, options, mixed corpus, side by side with others; JUDGE=DIR; ONLY=key,options,mixed,peers,pixels
	@test -n "$(JUDGE)" || { echo "bench-deid: JUDGE=DIR is needed: the folder of make_canary.py, mkcorpus.py, deidcheck.py, peers.py"; exit 2; }
	scripts/install-test-peers.sh
	scripts/install-bench-peers.sh
	cargo build --release -p research-pacs
	.venv/bin/python -W ignore scripts/deid_bench/bench.py "$(JUDGE)" $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(ONLY),--only $(ONLY))

deid-corpora: ## de-identifies public test files that nobody made for us, and searches what is left; PROFILE=NAME
	scripts/install-test-peers.sh
	scripts/install-bench-peers.sh
	cargo build --release -p research-pacs
	.venv/bin/python -W ignore scripts/deid_bench/corpora.py $(if $(PROFILE),--profile "$(PROFILE)")

bench-ingest: ## bars B-1 to B-3 against Orthanc and storescp; JUDGE=DIR holds the measuring tools, DISK=DIR the disk to measure
	@test -n "$(JUDGE)" || { echo "bench-ingest: JUDGE=DIR is needed: the folder of mkcorpus.py, physlimits.py, peers.py, peerbench.py"; exit 2; }
	scripts/install-test-peers.sh
	cargo build --release -p research-pacs
	.venv/bin/python scripts/bench_ingest.py --judge "$(JUDGE)" $(if $(DISK),--disk "$(DISK)") $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(INSTANCES),--instances $(INSTANCES))

bench-circle: ## bar B-4, de-identify and forward, against Orthanc's Lua pipeline; JUDGE and DISK as above
	@test -n "$(JUDGE)" || { echo "bench-circle: JUDGE=DIR is needed: the folder of mkcorpus.py, peers.py, peerbench.py and lua"; exit 2; }
	scripts/install-test-peers.sh
	cargo build --release -p research-pacs
	.venv/bin/python scripts/bench_circle.py --judge "$(JUDGE)" $(if $(DISK),--disk "$(DISK)") $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(INSTANCES),--instances $(INSTANCES))

bench-limits: ## bars B-9 to B-12: memory, objects of 4 GiB, cold start with a million instances, idle associations, C-ECHO; DISK as above
	scripts/install-test-peers.sh
	cargo build --release -p research-pacs
	.venv/bin/python scripts/bench_limits.py $(if $(DISK),--disk "$(DISK)") $(if $(ROUNDS),--rounds $(ROUNDS))
