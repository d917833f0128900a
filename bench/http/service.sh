# For the scripts beside it, which source it: a release of the service on a scratch
# folder that asks for the key KEY, as one that faces a network does; both are gone
# at the end. BINARIES names a folder with engagecast and the examples, else a
# release is built. DATABASE_URL and DATA_DIR name a database or folder that stays.

folder=$(mktemp -d)
started=
trap 'kill $started 2>/dev/null || true; wait; rm -rf "$folder"' EXIT
# Else some shells end without the former.
trap 'exit 130' INT
trap 'exit 143' TERM

# The examples that are needed besides the service.
binaries() {
  [ -z "${BINARIES:-}" ] || return 0
  examples=
  for example in "$@"; do examples="$examples --example $example"; done
  # shellcheck disable=SC2086
  cargo build --release --locked --quiet --bin engagecast $examples
  BINARIES=$folder/bin
  mkdir "$BINARIES"
  cp target/release/engagecast "$BINARIES"
  for example in "$@"; do cp "target/release/examples/$example" "$BINARIES"; done
}

# On this port, with these options besides; returns when it is ready.
serve() {
  at=http://127.0.0.1:$1
  listen=127.0.0.1:$1
  shift
  KEY=$(head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n')
  export KEY
  echo "$KEY" >"$folder/key"
  "$BINARIES/engagecast" serve --listen "$listen" --data-dir "${DATA_DIR:-$folder/data}" --log warn \
    --allow-anonymous=false --admin-key-file "$folder/key" "$@" &
  service=$!
  started="$started $service"
  until curl -sf "$at/readyz" >/dev/null; do
    kill -0 "$service"
    sleep 0.2
  done
}
