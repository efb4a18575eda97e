# shellcheck shell=bash disable=SC2034  # sourced: others read these
# Names, addresses and folders of the test cluster. They are fixed, so a machine has one at a time; whoever
# wants another one beside it sets PENSTOCK_CLUSTER to 1 ... 9.

NUMBER=${PENSTOCK_CLUSTER:-0}
SUFFIX=${PENSTOCK_CLUSTER:-}
CLUSTER=penstock-e2e$SUFFIX       # cgroup, and common part of names
HOST_LINK=penstock$NUMBER         # the host's end of its link to the nodes
NODES=(node1 node2)               # the control plane runs beside node1
NETWORK=198.51.100                # of host and nodes, a part of 16 addresses for each cluster
NETWORK_BITS=28
HOST_ADDRESS=$NETWORK.$((NUMBER * 16 + 1))    # where Pods find what runs on the host
NODE1_ADDRESS=$NETWORK.$((NUMBER * 16 + 2))
SERVICES=10.$((96 + NUMBER))
SERVICE_RANGE=$SERVICES.0.0/16
PODS=10.$((123 + NUMBER))         # PODS.N.0/24 on node N
POD_RANGE=$PODS.0.0/16
NODE_PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)
CACHE=${PENSTOCK_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/penstock}
STATE=$CACHE/cluster$SUFFIX       # of the running cluster; `down` removes it
KEPT=$CACHE/containerd$SUFFIX     # images that the nodes have; they outlive the cluster
KUBECONFIG_FILE=$STATE/kubeconfig
PKI=$STATE/pki
API=https://$NODE1_ADDRESS:6443

# What a name without a registry stands for in a node's image store. Nothing is ever pulled.
IMAGE_PREFIX=docker.io/library
PENSTOCK_BUILD=${PENSTOCK_BUILD:-build/release}  # whose programs go into the image
BASE_IMAGE=$IMAGE_PREFIX/debian:bookworm-slim
PAUSE_IMAGE=localhost/pause:1

node_number() { echo "${1#node}"; }
node_address() { echo "$NETWORK.$((NUMBER * 16 + 1 + $(node_number "$1")))"; }
node_pods() { echo "$PODS.$(node_number "$1").0/24"; }
holder_of() { cat "$STATE/$1/holder.pid"; }

BEGAN=${EPOCHREALTIME/[.,]/}
say() {
    local now=${EPOCHREALTIME/[.,]/}
    printf '%6d.%d s  %s\n' $(((now - BEGAN) / 1000000)) $(((now - BEGAN) / 100000 % 10)) "$*" >&2
}
die() {
    echo "$*" >&2
    exit 1
}

# await WHAT SECONDS COMMAND...: runs the command ten times a second until it succeeds.
await() {
    local what=$1 end=$((SECONDS + $2))
    shift 2
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$end" ] || die "$what: not in time; the daemons' logs are in $STATE/*/log"
        sleep 0.1
    done
}
