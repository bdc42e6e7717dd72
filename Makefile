# Liandong (联动). Needs Python 3.11 or later with venv, and make; everything else is fetched into this folder.

UV_VERSION := 0.13.8
UV := .tools/bin/uv
READY := .venv/ready

# uv makes .venv with the interpreter that was found here, never with one that it would download itself.
export UV_PYTHON_DOWNLOADS := never
export UV_PYTHON := .tools/bin/python
unexport VIRTUAL_ENV

.DEFAULT_GOAL := help
MINUTES ?= 10

.PHONY: help setup demo up down test lint format bench faults soak clean

help: ## Show this list (显示帮助)
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo '  ARGS="..." is passed on by demo, up, test, bench and soak (ARGS 传递附加参数)'

setup: $(READY) ## Make .venv with everything that the targets below need (安装依赖)
	@echo '.venv is ready (环境已就绪)'

demo: $(READY) ## Run the whole loop once on this machine, from a listing to its undoing (运行演示)
	@$(call run,.venv/bin/liandong demo $(ARGS))

up: $(READY) ## Start every service on this machine; Ctrl-C ends them (启动全部服务)
	@$(call run,.venv/bin/liandong up $(ARGS))

down: $(READY) ## Stop what `make up` left running (停止服务)
	@.venv/bin/liandong down

test: $(READY) ## Run the tests, against a real PostgreSQL and a real Kafka (运行测试)
	@.venv/bin/pytest $(ARGS)

lint: $(READY) ## Check style, types and the borders between services (静态检查)
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/pyright
	.venv/bin/lint-imports

format: $(READY) ## Put the code into the form that lint wants (格式化代码)
	.venv/bin/ruff check --fix-only --quiet .
	.venv/bin/ruff format .

bench: $(READY) ## Measure speed, against the bare parts in the same run (性能测试)
	@.venv/bin/python -m benchmarks $(ARGS)

faults: $(READY) ## Kills and restarts of the running system, as tests (故障测试)
	@.venv/bin/pytest tests/faults -o addopts="-q --strict-markers" $(ARGS)

soak: $(READY) ## Faults at random against the running system; MINUTES=10 (长时间故障注入)
	@$(call run,.venv/bin/liandong soak --minutes $(MINUTES) $(ARGS))

clean: ## Remove what was installed and cached here; data in .data stay (清理,保留数据)
	rm -rf .venv .tools .pytest_cache .ruff_cache .hypothesis .import_linter_cache dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Ctrl-C is the usual way to end these: the program answers it, and make need not call it an error.
run = trap : INT; $(1) || { code=$$?; [ $$code -eq 130 ] || exit $$code; }

$(READY): pyproject.toml uv.lock .tools/uv-$(UV_VERSION)
	$(UV) sync --locked
	@touch $@

.tools/uv-$(UV_VERSION):
	@for name in python3 python3.14 python3.13 python3.12 python3.11; do \
	    if $$name -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	        python=$$name; break; \
	    fi; \
	done; \
	if [ -z "$$python" ]; then \
	    echo 'No Python 3.11 or later with venv was found (python3, python3.11 ... python3.14).' >&2; \
	    echo 'Install one, on Debian or Ubuntu: apt install python3 python3-venv' >&2; \
	    echo '未找到带 venv 的 Python 3.11 及以上版本,请先安装。' >&2; \
	    exit 1; \
	fi; \
	rm -rf .tools && $$python -m venv .tools \
	    && .tools/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@touch $@
