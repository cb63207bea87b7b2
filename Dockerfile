# One image for every process; docker-compose.yml says which one a container runs.
#
# The same sources make the same image, as far as they can: the base by version, every Python package by version
# (constraints.txt), no caches, and times that are SOURCE_DATE_EPOCH:
#
#     SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) docker buildx build --output type=image,rewrite-timestamp=true .
#
# A version may be built anew, its digest may not: to be sure of the base too, look it up once
# (docker buildx imagetools inspect) and give --build-arg BASE=python@sha256:…
ARG BASE=python:3.11.14-slim-bookworm
FROM ${BASE}

# As 2026-01-01, unless it is given. With it, compiled files name their source by its content and not by its time.
ARG SOURCE_DATE_EPOCH=1767225600

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 \
    DJANGO_SETTINGS_MODULE=tracestore.settings TRACESTORE_DATA_DIR=/var/lib/tracestore TRACESTORE_BIND=0.0.0.0 MALLOC_ARENA_MAX=2

RUN groupadd --system --gid 10001 tracestore \
    && useradd --system --uid 10001 --gid 10001 --home-dir /var/lib/tracestore --create-home tracestore
WORKDIR /app

# What changes rarely first, so that a change of the code does not install everything again. Compiled once and here:
# a container cannot write into its image, and would compile everything at each start.
COPY pyproject.toml constraints.txt README.md LICENSE ./
RUN mkdir tracestore dashboard ingest \
    && touch tracestore/__init__.py dashboard/__init__.py ingest/__init__.py \
    && pip install --no-compile setuptools==80.9.0 \
    && pip install --no-compile --no-build-isolation -c constraints.txt -e . \
    && { python -m compileall -q -f --invalidation-mode unchecked-hash /usr/local/lib/python3.11/site-packages || true; }
COPY . .
RUN python -m compileall -q -f --invalidation-mode unchecked-hash tracestore dashboard ingest

USER 10001:10001
EXPOSE 8000 4317 4318
CMD ["python", "manage.py", "help"]
