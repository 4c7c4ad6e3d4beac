# Builds the wheel and installs it beside the locked dependencies; the second stage carries neither
# pip's cache nor a compiler. Run it as: serve, db upgrade, doctor … (docs/settings.md).
FROM python:3.13-slim-bookworm AS build
WORKDIR /src
COPY requirements.lock ./
RUN python -m venv /opt/motlan \
    && /opt/motlan/bin/pip install --no-cache-dir --require-hashes --only-binary :all: --no-deps \
        --requirement requirements.lock
COPY . .
RUN /opt/motlan/bin/pip install --no-cache-dir --no-deps . \
    && /opt/motlan/bin/pip check

FROM python:3.13-slim-bookworm
# pg_dump and pg_restore of the server's own version, for `motlan backup`; Debian's security fixes
# would be missed with one package version written here.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends postgresql-client-15 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /var/lib/motlan --create-home motlan \
    && install --directory --mode=0700 --owner=motlan --group=motlan \
        /var/lib/motlan-secrets /var/lib/motlan-head \
    && chmod 0700 /var/lib/motlan
COPY --from=build /opt/motlan /opt/motlan
ENV PATH=/opt/motlan/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    MOTLAN_HOME=/var/lib/motlan \
    MOTLAN_BIND=0.0.0.0:8000 \
    MOTLAN_SAMPLE_BIND=""
USER 10001
WORKDIR /var/lib/motlan
VOLUME /var/lib/motlan
EXPOSE 8000
# Any answer of ours counts as alive; whether it can serve is /readyz, for the balancer to ask.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "import socket; s = socket.create_connection(('127.0.0.1', 8000), 2); s.sendall(b'GET /healthz HTTP/1.0\\r\\nHost: 0.0.0.0:8000\\r\\n\\r\\n'); assert s.recv(12).endswith(b'200')"]
ENTRYPOINT ["motlan"]
CMD ["serve"]
