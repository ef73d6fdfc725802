# Everything that people do with Centralino. Each target first makes the machine ready (install.sh), once.
.DEFAULT_GOAL := help
.PHONY: help demo test check lint bench run clean install
MAKEFLAGS += --no-print-directory

BIN := .venv/bin
PACKAGES := acd agents asterisk cases centralino console demo ivr recordings supervision web

help: ## say what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

demo: install ## a working contact centre with callers; DEMO_SECONDS=60 ends it
	@$(BIN)/python -m demo

check test: PURPOSE := tests
test: lint ## everything that CI runs: check, and calls on a real Asterisk
	@$(BIN)/python -m tests.side_by_side

check: lint ## lint, types, import rules, and the tests without Asterisk
	@$(BIN)/pytest --ignore=tests/asterisk --ignore=tests/contract

lint: install ## lint, format, types, import rules
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy --strict $(PACKAGES)
	@$(BIN)/lint-imports

bench: install ## measure menus, checks, hand-overs and waits beside app_queue, states, and the floor
	@$(BIN)/python -m bench.menus
	@$(BIN)/python -m bench
	@$(BIN)/python -m bench.states
	@$(BIN)/python -m bench.theory
	@$(BIN)/python -m bench.waits
	@$(BIN)/python -m bench.floor && $(BIN)/python -m bench.days --quick

run: install ## start the deployment of this folder; ARGS="--port-offset 100"
	@$(BIN)/centralino run $(ARGS)

install: ## only make the machine ready
	@./install.sh $(PURPOSE)

clean: ## remove what was made here, but not var/ with its calls
	rm -rf .venv .tools .mypy_cache .ruff_cache .pytest_cache .grimp_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +
