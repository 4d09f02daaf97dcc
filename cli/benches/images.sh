#!/usr/bin/env bash
# What `build`, `push` and `render --commit` take when nothing has changed, beside `docker build` of the same three images
# from its cache. Needs hyperfine, a Docker engine, docker-registry. Usage: cli/benches/images.sh [RUNS]
set -euo pipefail
cd "$(dirname "$0")/../.."
runs="${1:-20}" target="${CARGO_TARGET_DIR:-$PWD/target}"
cargo build --quiet --release --package ecomctl
data="$(mktemp -d)"
trap 'kill $(jobs -p) 2>/dev/null; wait; rm -rf "$data"' EXIT
printf 'version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: %s}}\nhttp: {addr: 127.0.0.1:15500}\n' \
  "$data/registry" >"$data/registry.yml"
docker-registry serve "$data/registry.yml" >"$data/log" 2>&1 &

export CARGO_TARGET_DIR="$target" ECOMCTL_OUTPUT=text
ecomctl() { "$target/release/ecomctl" -C "$data/shop" --quiet "$@"; }
"$target/release/ecomctl" init "$data/shop" --quiet --registry 127.0.0.1:15500
ecomctl build --push && ecomctl render --commit
triple="$(rustc -vV | sed -n 's/^host: //p')"
for service in product cart order; do
  mkdir -p "$data/context/$service/data"
  cp "$target/$triple/release/$service-service" "$data/context/$service/"
  cp "$data/shop/services/$service-service/Dockerfile" "$data/context/$service/"
  docker build --quiet --target prebuilt "$data/context/$service" >/dev/null 2>&1
done
ms() { awk "BEGIN { print $1 * 1000 }"; }
peer="for s in product cart order; do docker build --quiet --target prebuilt $data/context/\$s; done"
hyperfine --warmup 3 --runs "$runs" --export-csv "$data/result.csv" \
  "$target/release/ecomctl -C $data/shop build" "$target/release/ecomctl -C $data/shop push" \
  "$target/release/ecomctl -C $data/shop render --commit" "$peer" >/dev/null 2>&1
names=('build' 'push' 'render --commit' 'docker build, three images')
# Columns of the result: command, mean, stddev, median, user, system, min, max; in seconds.
tail -n +2 "$data/result.csv" | while IFS=, read -r _ _ _ median _ _ min max; do
  printf '%-28s %.0f ms (%.0f to %.0f)\n' "${names[0]}" "$(ms "$median")" "$(ms "$min")" "$(ms "$max")"
  names=("${names[@]:1}")
done
ecomctl images prune --all >/dev/null
