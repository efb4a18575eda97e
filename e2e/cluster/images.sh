# shellcheck shell=bash
# Images: made from Debian packages and this build's programs, kept in a store of our own, handed to nodes.

export CONTAINERS_STORAGE_CONF=$CACHE/images/storage.conf

ensure_store() {
    mkdir -p "$CACHE/images/store" "$CACHE/images/run" "$CACHE/images/tmp"
    cat >"$CONTAINERS_STORAGE_CONF" <<TOML
[storage]
driver = "overlay"
graphroot = "$CACHE/images/store"
runroot = "$CACHE/images/run"
TOML
    export TMPDIR=$CACHE/images/tmp
}

image_id() { buildah inspect --type image --format '{{.FromImageID}}' "$1" 2>/dev/null; }

# image_of NAME FILE_OR_TAR DESTINATION CONFIG...: an image of one layer.
image_of() {
    local container
    container=$(buildah from scratch)
    buildah add -q "$container" "$2" "$3" >/dev/null
    buildah config "${@:4}" "$container"
    buildah commit -q --rm "$container" "$1" >/dev/null
}

# The image that the Dockerfile starts from: Debian's smallest, by debootstrap, from this machine's mirror.
ensure_base() {
    local folder=$CACHE/images/rootfs mirror
    if [ -n "$(image_id "$BASE_IMAGE")" ]; then return; fi
    say "making the base image"
    mirror=$(debian_sources | awk '$2 !~ /-/ {print $1; exit}')
    rm -rf "$folder"
    mkdir -p "$folder"
    # shellcheck disable=SC2086  # no mirror is no argument
    debootstrap --variant=minbase --keyring=/usr/share/keyrings/debian-archive-keyring.gpg bookworm "$folder" $mirror \
        >"$CACHE/images/debootstrap.log" 2>&1 || die "debootstrap failed: $(tail -n 3 "$CACHE/images/debootstrap.log")"
    debian_sources | sed -n 's/^\([^ ]*\) \(bookworm[^ ]*\)$/deb \1 \2 main/p' >"$folder/etc/apt/sources.list"
    rm -rf "$folder"/var/cache/apt/archives/*.deb "$folder"/var/lib/apt/lists/* "${folder:?}"/dev/*
    tar -C "$folder" --numeric-owner -cf "$folder.tar" .
    image_of "$BASE_IMAGE" "$folder.tar" / --cmd bash
    rm -rf "$folder" "$folder.tar"
}

# The image with penstock-proxy and penstock-operator of $PENSTOCK_BUILD, made anew when they or the recipe change.
ensure_penstock() {
    local name=$IMAGE_PREFIX/$1 folder=$CACHE/images/context built=$ROOT/$PENSTOCK_BUILD key program
    local recipe=$ROOT/Dockerfile
    for program in dataplane/penstock-proxy operator/penstock-operator; do
        [ -x "$built/$program" ] || die "$PENSTOCK_BUILD/$program is missing: run ./dev build ${PENSTOCK_BUILD#build/}"
    done
    exec 8>"$CACHE/images/lock"
    flock 8
    ensure_base
    key=$(cat "$recipe" "$built"/{dataplane/penstock-proxy,operator/penstock-operator} | sha256sum | cut -c 1-16)
    if [ -z "$(image_id "localhost/penstock-content:$key")" ]; then
        say "making the image $1"
        rm -rf "$folder"
        mkdir -p "$folder/image"
        for program in dataplane/penstock-proxy operator/penstock-operator; do
            strip -o "$folder/image/${program##*/}" "$built/$program"
        done
        buildah bud -q --runtime runc --network=host --pull-never --layers --target prebuilt -f "$recipe" \
            -t "localhost/penstock-content:$key" "$folder" >&2
        rm -rf "$folder"
    fi
    buildah tag "localhost/penstock-content:$key" "$name"
}

ctr_on() { ctr -a "$STATE/$1/containerd/containerd.sock" -n k8s.io "${@:2}"; }

# Whether the node has this very image under this name.
node_has() { ctr_on "$1" images ls "name==$2" | grep -qF "penstock.dev/id=$3"; }

# load NAME: hands an image of our store to the nodes that have not yet got it.
load() {
    local name=$1 id node file lacking=()
    id=$(image_id "$name")
    [ -n "$id" ] || die "no image $name: ./dev cluster image makes Penstock's"
    for node in "${NODES[@]}"; do
        if ! node_has "$node" "$name" "$id"; then lacking+=("$node"); fi
    done
    if [ ${#lacking[@]} -eq 0 ]; then return; fi
    file=$(mktemp -d "$CACHE/images/tmp/load-XXXXXX")/image.tar
    buildah push -q "$name" "docker-archive:$file:$name" >/dev/null
    for node in "${lacking[@]}"; do
        ctr_on "$node" images import "$file" >/dev/null
        ctr_on "$node" images label "$name" "penstock.dev/id=$id" >/dev/null
    done
    rm -rf "${file%/*}"
}

ensure_pause() {
    if [ -z "$(image_id "$PAUSE_IMAGE")" ]; then image_of "$PAUSE_IMAGE" "$PAUSE" /pause --entrypoint '["/pause"]'; fi
}
