# syntax=docker/dockerfile:1

# The image of the service: `docker build -t engagecast .`
#
# The dependencies are a layer of their own, built from the manifest alone, so
# that a change of the source compiles the source.

ARG RUST_VERSION=1.95

FROM rust:${RUST_VERSION}-slim-bookworm AS base
# The C parts of the dependencies: SQLite, zstd, ring. The newest patch of a
# compiler or of certificates is wanted, not a pinned one.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends gcc libc6-dev \
    && rm -rf /var/lib/apt/lists/* \
    && cargo install cargo-chef --version 0.1.78 --locked
WORKDIR /build

FROM base AS plan
COPY . .
RUN cargo chef prepare --recipe-path recipe.json

FROM base AS build
COPY --from=plan /build/recipe.json recipe.json
RUN cargo chef cook --locked --profile dist --bin engagecast --recipe-path recipe.json
COPY . .
RUN cargo build --locked --profile dist --bin engagecast \
    && mkdir -p /image/data \
    && cp target/dist/engagecast /image/

FROM debian:bookworm-slim
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Engagecast" \
      org.opencontainers.image.description="Predicts churn, lifetime value and engagement for customers of social-media and dating apps" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# Certificates of the authorities, for TLS to a database. The user is beyond
# those that a system gives out, so the numbers are the same in every cluster.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 65532 engagecast \
    && useradd --uid 65532 --gid 65532 --no-create-home --home-dir /data \
        --shell /usr/sbin/nologin engagecast
COPY --from=build /image/engagecast /usr/local/bin/engagecast
# All that is written goes here: the rest of the file system may be read-only.
COPY --from=build --chown=65532:65532 /image/data /data
VOLUME ["/data"]
USER 65532:65532
# Off the loopback address the service starts with keys alone: give it
# ENGAGECAST_ADMIN_KEY_FILE, or a database that has keys.
ENV ENGAGECAST_LISTEN=0.0.0.0:8080 \
    ENGAGECAST_DATA_DIR=/data \
    ENGAGECAST_LOG_FORMAT=json
EXPOSE 8080
STOPSIGNAL SIGTERM
# A first start generates and trains behind an address that answers already.
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --retries=3 \
    CMD ["engagecast", "health"]
ENTRYPOINT ["engagecast"]
CMD ["serve"]
