# shellcheck shell=bash
# The nodes: namespaces that a process holds, links between them, and daemons inside.

# The kubelet sets kernel parameters for the whole machine. Files with the values that it wants lie over
# them in its mount namespace, so it finds all as it likes and the machine's own stay as they are.
KERNEL_PARAMETERS=(
    vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1
    kernel/keys/root_maxkeys=1000000 kernel/keys/root_maxbytes=25000000
)

# What the holder of a node does before it sleeps. All its mounts end with the last process inside.
holder_script() {
    local node=$1 own=$STATE/$1 folder parameter file
    cat <<BASH
set -eu
mount --make-rshared /
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/lock /var/lib/cni /var/log/containers /var/lib/kubelet
BASH
    for folder in var/lib/cni var/log/containers var/lib/kubelet; do
        mkdir -p "$own/$folder"
        echo "mount --bind '$own/$folder' '/$folder'"
    done
    for parameter in "${KERNEL_PARAMETERS[@]}"; do
        file=$own/kernel/${parameter%=*}
        mkdir -p "${file%/*}"
        echo "${parameter#*=}" >"$file"
        echo "mount --bind '$file' '/proc/sys/${parameter%=*}'"
    done
    cat <<BASH
ip link set lo up
echo 1 >/proc/sys/net/ipv4/ip_forward
if [ -e /proc/sys/net/bridge/bridge-nf-call-iptables ]; then echo 1 >/proc/sys/net/bridge/bridge-nf-call-iptables; fi
BASH
}

# hold NAME UNSHARE_FLAGS...: a process that holds new namespaces; its script comes on stdin.
hold() {
    local own=$STATE/$1
    shift
    mkdir -p "$own/log" "$own/daemons"
    { cat; echo "echo \$\$ >'$own/holder.new' && mv '$own/holder.new' '$own/holder.pid'; exec sleep infinity"; } >"$own/holder.sh"
    (
        join_cgroup "$BASHPID"
        exec setsid unshare "$@" bash "$own/holder.sh" </dev/null >"$own/log/holder.log" 2>&1 9>&-
    ) &
    await "namespaces of ${own##*/}" 20 test -e "$own/holder.pid"
}

in_net() { nsenter -t "$(holder_of "$1")" -n -- "${@:2}"; }

# link NAME ADDRESS: gives a node its eth0, plugged into the switch.
plug() {
    local node=$1
    ip link add eth0 netns "$(holder_of "$node")" type veth peer name "$node" netns "$(holder_of switch)"
    in_net switch ip link set "$node" master br0 up
    in_net "$node" ip addr add "$(node_address "$node")/$NETWORK_BITS" dev eth0
    in_net "$node" ip link set eth0 up
}

# A switch that links the host and the nodes, in a namespace without packet filters.
make_network() {
    local node other holders=()
    hold switch -n <<<'set -eu; ip link add br0 type bridge; ip link set br0 up' &
    holders+=($!)
    for node in "${NODES[@]}"; do
        holder_script "$node" | hold "$node" -m -n --propagation private &
        holders+=($!)
    done
    wait "${holders[@]}"
    ip link add "$HOST_LINK" type veth peer name host netns "$(holder_of switch)"
    in_net switch ip link set host master br0 up
    ip addr add "$HOST_ADDRESS/$NETWORK_BITS" dev "$HOST_LINK"
    ip link set "$HOST_LINK" up
    for node in "${NODES[@]}"; do plug "$node"; done
    ip route add "$SERVICE_RANGE" via "$NODE1_ADDRESS"
    for node in "${NODES[@]}"; do
        ip route add "$(node_pods "$node")" via "$(node_address "$node")"
        in_net "$node" ip route add "$SERVICE_RANGE" dev eth0
        for other in "${NODES[@]}"; do
            if [ "$other" = "$node" ]; then continue; fi
            in_net "$node" ip route add "$(node_pods "$other")" via "$(node_address "$other")"
        done
    done
}

# define NODE NAME COMMAND...: writes down how a daemon starts, for now and for later restarts.
define() {
    local file=$STATE/$1/daemons/$2
    { printf 'exec'; printf ' %q' "${@:3}"; echo; } >"$file"
}

# start_daemon NODE NAME
start_daemon() {
    local own=$STATE/$1 name=$2
    (
        join_cgroup "$BASHPID"
        exec setsid nsenter -t "$(holder_of "$1")" -m -n -- env -i PATH="$NODE_PATH" HOME=/root \
            bash "$own/daemons/$name" </dev/null >>"$own/log/$name.log" 2>&1 9>&-
    ) &
    echo $! >"$own/daemons/$name.pid"
}

# stop_daemon NODE NAME [SIGNAL]: returns when it has ended, unless the signal is one that does not end it.
stop_daemon() {
    local signal=${3:-KILL} pid
    pid=$(cat "$STATE/$1/daemons/$2.pid")
    kill -s "$signal" "$pid"
    case $signal in STOP | CONT) return ;; esac
    await "the end of $2 on $1" 30 bash -c "! kill -0 $pid"
}

# A file of conf/ with its @NAMES@ replaced, for one node.
render() {
    sed -e "s#@STATE@#$STATE#g; s#@KEPT@#$KEPT#g; s#@PKI@#$PKI#g; s#@NODE@#$1#g; s#@ADDRESS@#$(node_address "$1")#g" \
        -e "s#@PODS@#$(node_pods "$1")#g; s#@POD_RANGE@#$POD_RANGE#g; s#@CLUSTER@#$CLUSTER#g" \
        -e "s#@PAUSE_IMAGE@#$PAUSE_IMAGE#g; s#@CONTROL@#$NODE1_ADDRESS#g" "$HERE/conf/$2"
}

define_node() {
    local node=$1 own=$STATE/$1 file
    mkdir -p "$own/cni" "$own/containerd" "$own/pod-logs" "$KEPT/$node"
    : >"$own/resolv.conf"
    for file in containerd.toml kubelet.yaml kube-proxy.yaml; do render "$node" "$file" >"$own/$file"; done
    render "$node" bridge.conflist >"$own/cni/10-bridge.conflist"
    define "$node" containerd containerd -c "$own/containerd.toml"
    define "$node" kubelet "$PROGRAM" kubelet --config "$own/kubelet.yaml" --kubeconfig "$PKI/$node.kubeconfig" \
        --root-dir /var/lib/kubelet --cert-dir "$own/var/lib/kubelet/pki" --hostname-override="$node" \
        --node-ip="$(node_address "$node")" --v=2
    define "$node" kube-proxy "$PROGRAM" kube-proxy --config "$own/kube-proxy.yaml" --v=2
}
