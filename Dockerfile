# Seatkeeper: one image, for `up`, `up --only web` and `up --only worker`. No secret is in it.
FROM python:3.11-slim-trixie

# pg_dump and pg_restore for `backup` and `restore`; as new as the server in compose.yaml.
RUN apt-get update \
    && apt-get install -y --no-install-recommends postgresql-client-17 \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /app
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 DATA_DIR=/data

COPY requirements.txt ./
RUN pip install --no-cache-dir --require-hashes -r requirements.txt

COPY manage.py ./
COPY config config
COPY guardian guardian
COPY invites invites
COPY teampool teampool
COPY notifications notifications
COPY base base
COPY sandbox sandbox
COPY templates templates
COPY static static
COPY locale locale

# It writes to its data and to the collected static files, and to nothing else.
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin seatkeeper \
    && install -d -o seatkeeper -g seatkeeper -m 700 /data \
    && install -d -o seatkeeper -g seatkeeper /app/staticfiles
USER seatkeeper
# Collected once, with secrets that are forgotten at the end of the line.
RUN env $(python -m config.first_run --throwaway) python manage.py collectstatic --no-input --verbosity 0

VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
# The web server's. A worker is watched by `up` itself, which replaces it: switch this off there.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
# Run it with --init (compose: init: true): something must collect what a killed program leaves.
CMD ["python", "manage.py", "up", "--host", "0.0.0.0", "--port", "8000"]
