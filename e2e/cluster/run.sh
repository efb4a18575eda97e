#!/usr/bin/env bash
# A real Kubernetes of two nodes on this machine, for the tests: `run.sh up|down|...`; see usage below.
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=e2e/cluster/settings.sh
. "$HERE/settings.sh"
# shellcheck source=e2e/cluster/machine.sh
. "$HERE/machine.sh"
# shellcheck source=e2e/cluster/toolchain.sh
. "$HERE/toolchain.sh"
# shellcheck source=e2e/cluster/certificates.sh
. "$HERE/certificates.sh"
# shellcheck source=e2e/cluster/node.sh
. "$HERE/node.sh"
# shellcheck source=e2e/cluster/control_plane.sh
. "$HERE/control_plane.sh"
# shellcheck source=e2e/cluster/images.sh
. "$HERE/images.sh"

usage() {
    cat <<'TEXT'
./dev cluster COMMAND

  up                         start the cluster; builds and caches what it needs
  deps                       install the Debian packages that it needs
  down [--images]            end it and remove everything but caches; with --images the nodes' images too
  status                     its nodes, or why there is none
  kubectl ARGS...            kubectl as administrator
  kubeconfig                 the path of the administrator's kubeconfig
  host                       the address at which Pods reach this machine
  image [NAME]               make the Penstock image from build/release (default penstock:0.1.0)
  load [NAME]                hand an image to the nodes (default penstock:0.1.0)
  daemon NODE NAME stop|start|SIGNAL   end or start a daemon, e.g. node1 kube-apiserver stop
  obstacle                   why no cluster can run on this machine; nothing if one can
TEXT
}

# Whether all of it runs.
is_up() { [ -e "$STATE/ready" ] && [ -n "$(cluster_processes)" ] && PROGRAM=$(cat "$STATE/program") api_ready >/dev/null 2>&1; }

exclusively() {
    mkdir -p "$CACHE"
    exec 9>"$CACHE/cluster$SUFFIX.lock"
    flock 9
}

start_control_plane() {
    define_control_plane
    start_daemon node1 etcd
    start_daemon node1 kube-apiserver
    await "the API server" 60 api_ready
    say "API server ready"
    start_daemon node1 kube-controller-manager
    start_daemon node1 kube-scheduler
}

start_nodes() {
    local node
    for node in "${NODES[@]}"; do
        start_daemon "$node" kubelet
        start_daemon "$node" kube-proxy
    done
    apply_addons
    start_daemon node1 coredns
    start_daemon node1 metrics-server
    for node in "${NODES[@]}"; do await "$node" 60 node_ready "$node"; done
}

command_up() {
    local why node certificates
    why=$(obstacle)
    [ -z "$why" ] || die "no cluster can run here: $why"
    exclusively
    if is_up; then
        say "the cluster is up; kubeconfig: $KUBECONFIG_FILE"
        return
    fi
    ensure_program
    ensure_store
    ensure_pause
    sweep
    mkdir -p "$STATE"
    chmod 700 "$STATE"
    make_certificates &
    certificates=$!
    make_cgroups
    make_network
    wait "$certificates"
    say "namespaces, network and certificates made"
    cp "$PKI/admin.kubeconfig" "$KUBECONFIG_FILE"
    for node in "${NODES[@]}"; do
        define_node "$node"
        start_daemon "$node" containerd
    done
    start_control_plane
    for node in "${NODES[@]}"; do await "containerd on $node" 30 ctr_on "$node" version; done
    load "$PAUSE_IMAGE"
    start_nodes
    echo "$PROGRAM" >"$STATE/program"
    touch "$STATE/ready"
    say "nodes ready; kubeconfig: $KUBECONFIG_FILE"
}

# Ends and removes whatever is there, in whatever state. Twice and more, since shims fork while they are killed.
sweep() {
    local end=$((SECONDS + 60)) processes
    while processes=$(cluster_processes) && [ -n "$processes" ]; do
        [ "$SECONDS" -lt "$end" ] || die "these processes cannot be killed: $processes"
        # shellcheck disable=SC2086  # a word for each
        kill -9 $processes 2>/dev/null
        sleep 0.1
    done
    remove_cgroups
    if ip link show "$HOST_LINK" >/dev/null 2>&1; then ip link del "$HOST_LINK"; fi
    rm -rf "$STATE"
}

command_down() {
    local left
    exclusively
    sweep
    if [ "${1:-}" = --images ]; then rm -rf "$KEPT"; fi
    left=$(our_cgroups; ls -d "$STATE" 2>/dev/null; grep " $STATE" /proc/self/mountinfo) || [ -z "$left" ] || die "left over: $left"
    say "the cluster is down"
}

running() {
    [ -e "$STATE/program" ] || die "no cluster is up: ./dev cluster up"
    PROGRAM=$(cat "$STATE/program")
}

command_status() {
    running
    kubectl get nodes -o wide
}

command_kubectl() {
    running
    if [ -t 0 ]; then kubectl "$@"; else kubectl "$@" </dev/stdin; fi
}

command_kubeconfig() { echo "$KUBECONFIG_FILE"; }
command_host() { echo "$HOST_ADDRESS"; }
command_obstacle() { obstacle; }

command_image() {
    ensure_store
    ensure_penstock "${1:-penstock:0.1.0}"
}

# Prints the image's identity, which changes with its content.
command_load() {
    local name=${1:-penstock:0.1.0}
    running
    ensure_store
    case $name in
        */*) ;;
        *) name=$IMAGE_PREFIX/$name ;;
    esac
    load "$name"
    image_id "$name"
}

command_daemon() {
    [ $# -eq 3 ] || { usage >&2; exit 2; }
    running
    case $3 in
        start) start_daemon "$1" "$2" ;;
        stop) stop_daemon "$1" "$2" ;;
        *) stop_daemon "$1" "$2" "$3" ;;
    esac
}

COMMAND=${1:-}
if [ $# -gt 0 ]; then shift; fi
case $COMMAND in
    up | down | status | kubectl | kubeconfig | host | image | load | daemon | obstacle) "command_$COMMAND" "$@" ;;
    *)
        usage >&2
        exit 2
        ;;
esac
