#!/usr/bin/env bash
# Requests a second of `GET /products`, beside a bare axum handler that returns the same bytes, taken in turns.
# Needs wrk. Usage: services/product-service/benches/list.sh [ROUNDS] [SECONDS]
set -euo pipefail
cd "$(dirname "$0")/../../.."
rounds="${1:-5}" seconds="${2:-5}"
cargo build --quiet --release --package product-service --example bare --bin product-service
data="$(mktemp -d)"
trap 'kill $(jobs -p) 2>/dev/null; wait; rm -rf "$data"' EXIT

HTTP_PORT=15003 ADMIN_PORT=16003 LISTEN_ADDRESS=127.0.0.1 STORE_URL="sqlite:$data/products.db" \
  target/release/product-service >"$data/log" &
target/release/examples/bare &
for url in http://127.0.0.1:15003/products http://127.0.0.1:15100/products; do
  for _ in $(seq 100); do curl -sf "$url" >"$data/${url//[^0-9]/}" && break; sleep 0.05; done
done
cmp "$data/12700115003" "$data/12700115100" && echo "both answer the same $(stat -c %s "$data/12700115003") bytes"

rate() { wrk --threads 1 --connections 32 --duration "${seconds}s" "$1" | awk '/Requests\/sec/ { print $2 }'; }
for round in $(seq "$rounds"); do
  service="$(rate http://127.0.0.1:15003/products)" bare="$(rate http://127.0.0.1:15100/products)"
  awk -v s="$service" -v b="$bare" -v r="$round" \
    'BEGIN { printf "round %d: product-service %.0f/s, bare %.0f/s, ratio %.2f\n", r, s, b, s / b }'
done
