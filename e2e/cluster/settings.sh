# shellcheck shell=bash disable=SC2034  # sourced: others read these
# Names, addresses and folders of the test cluster. They are fixed: one cluster on a machine at a time.

CLUSTER=penstock-e2e              # cgroup, and common part of names
HOST_LINK=penstock0               # the host's end of its link to the nodes
NODES=(node1 node2)               # the control plane runs beside node1
HOST_ADDRESS=198.51.100.1         # where Pods find what runs on the host
NODE1_ADDRESS=198.51.100.2
SERVICE_RANGE=10.96.0.0/16
POD_RANGE=10.123.0.0/16           # 10.123.N.0/24 on node N
NODE_PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)
CACHE=${PENSTOCK_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/penstock}
STATE=$CACHE/cluster              # of the running cluster; `down` removes it
KEPT=$CACHE/containerd            # images that the nodes have; they outlive the cluster
KUBECONFIG_FILE=$STATE/kubeconfig
PKI=$STATE/pki
API=https://$NODE1_ADDRESS:6443

# What a name without a registry stands for in a node's image store. Nothing is ever pulled.
IMAGE_PREFIX=docker.io/library
PENSTOCK_BUILD=${PENSTOCK_BUILD:-build/release}  # whose programs go into the image
BASE_IMAGE=$IMAGE_PREFIX/debian:bookworm-slim
PAUSE_IMAGE=localhost/pause:1

node_number() { echo "${1#node}"; }
node_address() { echo "198.51.100.$((1 + $(node_number "$1")))"; }
node_pods() { echo "10.123.$(node_number "$1").0/24"; }
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
