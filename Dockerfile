# One image for every process; docker-compose.yml says which one a container runs.
FROM python:3.11-slim-bookworm

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 \
    DJANGO_SETTINGS_MODULE=tracestore.settings TRACESTORE_DATA_DIR=/var/lib/tracestore TRACESTORE_BIND=0.0.0.0

RUN useradd --system --uid 10001 --home-dir /var/lib/tracestore --create-home tracestore
WORKDIR /app

# What changes rarely first, so that a change of the code does not install everything again.
COPY pyproject.toml constraints.txt README.md LICENSE ./
RUN mkdir tracestore dashboard ingest \
    && touch tracestore/__init__.py dashboard/__init__.py ingest/__init__.py \
    && pip install -c constraints.txt -e .
COPY . .

USER tracestore
VOLUME /var/lib/tracestore
EXPOSE 8000 4317 4318
CMD ["python", "manage.py", "help"]
