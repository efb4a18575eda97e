# shellcheck shell=bash
# What this machine must allow, and the cgroups of the cluster.

# Says why no cluster can run here, or nothing.
obstacle() {
    local program
    if [ "$(uname -s)" != Linux ]; then echo "this is not Linux"; return; fi
    if [ "$(id -u)" -ne 0 ]; then echo "root is needed for namespaces, mounts and cgroups"; return; fi
    if ! unshare -m -n --propagation private true 2>/dev/null; then echo "namespaces cannot be made"; return; fi
    if ! try_cgroup; then echo "cgroups cannot be made"; return; fi
    if ! unshare -n sh -c 'ip link add br0 type bridge && ip link add end0 type veth peer name end1' 2>/dev/null &&
        command -v ip >/dev/null; then
        echo "network links cannot be made"
        return
    fi
    for program in containerd runc nft buildah debootstrap openssl ctr; do
        if ! command -v "$program" >/dev/null; then echo "the program $program is missing (./dev cluster deps installs it)"; return; fi
    done
}

# The folders under which a cgroup of one's own is a new folder: one for each controller in version 1.
cgroup_roots() {
    local folder
    if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
        echo /sys/fs/cgroup
        return
    fi
    for folder in /sys/fs/cgroup/*/; do
        folder=${folder%/}
        if [ -L "$folder" ] || [ "${folder##*/}" = unified ] || [ ! -e "$folder/cgroup.procs" ]; then continue; fi
        echo "$folder"
    done
}

try_cgroup() {
    local folder
    folder=$(one_cgroup)
    if [ -z "$folder" ]; then return 1; fi
    if [ -d "$folder" ]; then return; fi
    mkdir "$folder" 2>/dev/null && rmdir "$folder"
}

# All processes are in each version 1 hierarchy; one is enough to find them.
one_cgroup() {
    local root
    for root in $(cgroup_roots); do
        if [ "${root##*/}" = pids ] || [ "$root" = /sys/fs/cgroup ]; then echo "$root/$CLUSTER"; fi
    done
}

# A new version 1 cpuset allows nothing until it is told.
inherit_cpuset() {
    if [ ! -e "$1/cpuset.cpus" ]; then return; fi
    cat "${1%/*}/cpuset.cpus" >"$1/cpuset.cpus"
    cat "${1%/*}/cpuset.mems" >"$1/cpuset.mems"
}

make_cgroups() {
    local root folder
    for root in $(cgroup_roots); do
        for folder in "$root/$CLUSTER" "$root/$CLUSTER/sys" "${NODES[@]/#/$root/$CLUSTER/}"; do
            mkdir -p "$folder"
            inherit_cpuset "$folder"
            if [ "$(cat "$folder/memory.use_hierarchy" 2>/dev/null)" = 0 ]; then echo 1 >"$folder/memory.use_hierarchy"; fi
        done
    done
}

# Moves a process into the cgroup of the daemons, which is how `down` finds it.
join_cgroup() {
    local root
    for root in $(cgroup_roots); do echo "$1" >"$root/$CLUSTER/sys/cgroup.procs"; done
}

# Every process of the cluster, Pods included.
cluster_processes() {
    local folder
    folder=$(one_cgroup)
    if [ -d "$folder" ]; then find "$folder" -name cgroup.procs -exec cat {} + 2>/dev/null | sort -u; fi
}

# Everywhere, since the kubelet and runc make them also in hierarchies that we leave alone.
our_cgroups() { ls -d "/sys/fs/cgroup/$CLUSTER" /sys/fs/cgroup/*/"$CLUSTER" 2>/dev/null; }

remove_cgroups() {
    local folder
    for folder in $(our_cgroups); do find "$folder" -depth -type d -exec rmdir {} \; 2>/dev/null; done
    return 0
}
