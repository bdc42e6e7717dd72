# Liandong (联动). Needs Python 3.11 or later with venv, and make; everything else is downloaded into this folder.

UV_VERSION := 0.13.8
UV := .tools/bin/uv
READY := .venv/ready

# uv creates .venv with the installed interpreter; it never downloads one.
export UV_PYTHON_DOWNLOADS := never
export UV_PYTHON := .tools/bin/python
unexport VIRTUAL_ENV

.DEFAULT_GOAL := help
MINUTES ?= 10

.PHONY: help setup demo up down logs test test-domain compose-test lint format bench faults soak clean

help: ## Show this list (显示帮助)
	@awk -F ':.*## ' '/^[a-z-]+:.*## / && !seen[$$1]++ {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo '  ARGS="..." passes more arguments to most of them (ARGS 传递附加参数)'
	@echo '  ON=docker: up, down and logs use the containers of docker-compose.yml (ON=docker 使用容器)'

setup: $(READY) ## Create .venv with everything that the other targets need (安装依赖)
	@echo '.venv is ready (环境已就绪)'

demo: $(READY) ## Run the whole loop once on this machine, from a listing to its undoing (运行演示)
	@$(call run,.venv/bin/liandong demo $(ARGS))

# Where the system runs: in this folder; with ON=docker in containers, as operators run it (docker-compose.yml).
ON ?= here

ifeq ($(ON),docker)
up: ## Start every service; with ON=docker in containers (启动全部服务)
	@$(if $(LIANDONG_IMAGE),,docker compose build --quiet topics) # a site with its own image does not build one
	@docker compose run --rm secrets
	@docker compose up --detach --wait $(ARGS)

down: ## Stop the services; data are kept (停止服务,保留数据)
	@docker compose --profile example --profile scale down $(ARGS)

logs: ## Follow the logs of servers and services (查看日志)
	@docker compose logs --follow --tail 50 $(ARGS)
else
up: $(READY) ## Start every service; Ctrl-C stops them (启动全部服务)
	@$(call run,.venv/bin/liandong up $(ARGS))

down: $(READY) ## Stop the services; data are kept (停止服务,保留数据)
	@.venv/bin/liandong down

logs: ## Follow the logs of the servers; services log to the terminal of `make up` (查看日志)
	@find .data -name '*.log' -exec tail --lines 50 --follow=name {} +
endif

test: $(READY) ## Run the tests, against a real PostgreSQL and a real Kafka (运行测试)
	@.venv/bin/pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder $(ARGS)

test-domain: $(READY) ## Run only the tests that need no server; takes seconds (领域测试,无需服务器)
	@.venv/bin/pytest tests/domain tests/contracts tests/docs $(ARGS)

lint: $(READY) ## Check style, types and import rules (静态检查)
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/pyright
	.venv/bin/lint-imports

format: $(READY) ## Format the code (格式化代码)
	.venv/bin/ruff check --fix-only --quiet .
	.venv/bin/ruff format .

bench: $(READY) ## Measure speed, compared with bare PostgreSQL and Kafka in the same run (性能测试)
	@.venv/bin/python -m benchmarks $(ARGS)

faults: $(READY) ## Run only the tests that kill and restart the running system (故障测试)
	@.venv/bin/pytest tests/faults $(ARGS)

compose-test: $(READY) ## Test the system in containers, from build to removal; needs a Docker engine (容器环境测试)
	@.venv/bin/pytest tests/compose -o addopts="-q --strict-markers" $(ARGS)

soak: $(READY) ## Inject random faults into a running system; MINUTES=10 (长时间故障注入)
	@$(call run,.venv/bin/liandong soak --minutes $(MINUTES) $(ARGS))

clean: ## Remove everything installed and cached here; data in .data are kept (清理,保留数据)
	rm -rf .venv .tools .pytest_cache .ruff_cache .hypothesis .import_linter_cache dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Ctrl-C is the usual way to stop these programs (exit status 130), so make must not report it as an error.
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
