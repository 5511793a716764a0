# The Makefile's steps in three stages. Not built on the machine where it was written: see docs/docker.md.

FROM node:22-bookworm-slim AS pages
WORKDIR /src/web
COPY web/package.json web/package-lock.json ./
RUN npm ci --no-audit --no-fund --loglevel=error
COPY web/ ./
RUN npm run --silent build

FROM python:3.11-slim-bookworm AS program
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
# For the compiled part of the media engine, which is left out where this is.
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
RUN python -m venv /opt/ccplatform
COPY requirements.lock ./
RUN /opt/ccplatform/bin/python -m pip install --quiet --require-hashes -r requirements.lock
COPY pyproject.toml hatch_build.py README.md LICENSE ./
COPY ccplatform/ ccplatform/
COPY gateway/ gateway/
COPY acd/ acd/
COPY ivr/ ivr/
COPY recording/ recording/
COPY metrics/ metrics/
COPY cti/ cti/
COPY config/ config/
RUN /opt/ccplatform/bin/python -m pip install --quiet --no-deps .

FROM python:3.11-slim-bookworm
LABEL org.opencontainers.image.title="ccplatform" org.opencontainers.image.licenses="MIT"
# Opus is spoken where libopus is (BSD licence), E1 where libpri is (GPLv2, in a program of its own).
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends libopus0 libpri1.4 && rm -rf /var/lib/apt/lists/*
RUN groupadd --system --gid 10001 ccplatform \
 && useradd --system --uid 10001 --gid ccplatform --home-dir /var/lib/ccplatform --shell /usr/sbin/nologin ccplatform \
 && install -d -m 0700 -o ccplatform -g ccplatform /var/lib/ccplatform
COPY --from=program /opt/ccplatform /opt/ccplatform
# The web process serves the pages from web/dist beside the package it was started from.
COPY --from=pages /src/web/dist /opt/ccplatform/lib/python3.11/site-packages/web/dist
ENV PATH=/opt/ccplatform/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    CCP_NODE__DATA_DIR=/var/lib/ccplatform \
    HEALTH_URL=http://127.0.0.1:8080/healthz
USER ccplatform
WORKDIR /var/lib/ccplatform
VOLUME /var/lib/ccplatform
# SIP over UDP and TCP, SIP over WebSocket, pages and REST, RTP.
EXPOSE 5060/udp 5060/tcp 5066/tcp 8080/tcp 10000-19999/udp
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=4s --start-period=60s --retries=3 \
  CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(os.environ['HEALTH_URL'], timeout=3)"]
ENTRYPOINT ["ccplatform"]
CMD ["run", "--log-format", "json"]
