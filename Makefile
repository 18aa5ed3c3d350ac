# The verbs of this project. Each does its own set-up; `make demo` and `make test` need nothing before.
.DEFAULT_GOAL := help
.PHONY: help demo test lint format bench wheel docs versions clean
RUN := .venv/bin
# Half of the time a test waits for a server or a process: two run at a time. What fails then is run again alone, as
# a test that measures may have had too little of the machine.
AT_ONCE := -n 2 --no-loadscope-reorder
ALONE := --last-failed --last-failed-no-failures none

help: ## Show the verbs
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

demo: ## Run a harmless attack in a real container and watch it being detected
	@deploy/prepare.sh demo
	@$(RUN)/tracetide demo

test: ## Run every test; ends with a list of what was not run and why
	@deploy/prepare.sh test
	@$(RUN)/pytest $(AT_ONCE) || { test $$? = 1 && echo "Those that failed, once more and alone:" && $(RUN)/pytest $(ALONE); }

lint: ## Check style, types, import directions and the formatting of Python and C
	@deploy/prepare.sh test
	@$(RUN)/ruff format --check .
	@$(RUN)/ruff check .
	@$(RUN)/mypy
	@$(RUN)/lint-imports --no-cache
	@$(RUN)/clang-format --dry-run --Werror bpf/*.c bpf/*.h

format: ## Format Python and C
	@deploy/prepare.sh test
	@$(RUN)/ruff format .
	@$(RUN)/ruff check --fix .
	@$(RUN)/clang-format -i bpf/*.c bpf/*.h

bench: ## Measure throughput and cost as ratios against the bare cost
	@deploy/prepare.sh test
	@$(RUN)/python -m bench

wheel: ## Build the wheel, with BPF objects for x86-64 and arm64, into dist/
	@deploy/prepare.sh test
	@$(RUN)/pip wheel -q --no-deps -w dist .

docs: ## Generate the reference pages in docs/ from the code
	@deploy/prepare.sh test
	@$(RUN)/python -m tracetide.reference

versions: ## Take the newest Python packages that pyproject.toml allows, and note them in deploy/constraints.txt
	@deploy/prepare.sh test
	@$(RUN)/pip install -q --upgrade --upgrade-strategy eager --group dev -e .
	@{ sed '/^[^#]/d' deploy/constraints.txt; $(RUN)/pip freeze --exclude-editable; } > .venv/constraints.txt
	@mv .venv/constraints.txt deploy/constraints.txt

clean: ## Remove everything that the other verbs made
	@rm -rf .venv .cache dist bpf/objects .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
