# shellcheck shell=bash
# The program that is a whole node, built from e2e/node by the Go toolchain, and the toolchain itself.

KUBERNETES=v1.34.4
GO_OLDEST=1.21    # from this one on, go fetches the toolchain that go.mod asks for
NODE_SOURCES=$ROOT/e2e/node

# Where Go is found: in PATH, or where Debian's versioned packages put it.
find_go() {
    local folder
    for folder in "" /usr/local/go/bin/ /usr/lib/go/bin/ /usr/lib/go-*/bin/; do
        if command -v "${folder}go" >/dev/null && new_enough "${folder}go"; then
            command -v "${folder}go"
            return
        fi
    done
    return 1
}

new_enough() {
    local version
    version=$("$1" env GOVERSION 2>/dev/null | sed 's/^go//; s/[^0-9.].*//')
    [ -n "$version" ] && [ "$(printf '%s\n' "$GO_OLDEST" "$version" | sort -V | head -n 1)" = "$GO_OLDEST" ]
}

# Debian's own Go may be too old; its backports have a newer one. Where they lie is read from the
# machine's own sources, and the list of them is ours alone: the machine's sources stay as they are.
install_go() {
    local folder=$CACHE/apt repository codename
    say "no Go of $GO_OLDEST or newer here: taking Debian's"
    rm -rf "$folder"
    mkdir -p "$folder/sources" "$folder/lists/partial"
    read -r repository codename < <(debian_sources | awk '$2 !~ /-/ {print $1, $2; exit}')
    if [ -z "${repository:-}" ]; then die "Go $GO_OLDEST or newer is needed: install it"; fi
    echo "deb $repository $codename-backports main" >"$folder/sources/backports.list"
    if [ -d /etc/apt/sources.list.d ]; then cp /etc/apt/sources.list.d/* "$folder/sources/"; fi
    local apt=(apt-get -q -y -o "Dir::Etc::SourceParts=$folder/sources" -o "Dir::State::Lists=$folder/lists")
    "${apt[@]}" update
    DEBIAN_FRONTEND=noninteractive "${apt[@]}" install --no-install-recommends -t "$codename-backports" golang-go ca-certificates
    rm -rf "$folder"
}

# Repositories of Debian that this machine uses: address and suite.
debian_sources() {
    # shellcheck disable=SC2016  # apt's own variables
    apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(COMPONENT)' 'Created-By: Packages' 'Origin: Debian' |
        awk '$3 == "main" {print $1, $2}' | sort -u
}

link_flags() {
    local base=k8s.io/component-base/version
    echo "-s -w -X $base.gitVersion=$KUBERNETES -X $base.gitMajor=1 -X $base.gitMinor=34" \
        "-X k8s.io/client-go/pkg/version.gitVersion=$KUBERNETES"
}

build() {
    (cd "$NODE_SOURCES" && CGO_ENABLED=0 GOFLAGS='' GOTOOLCHAIN=auto \
        "$GO" build -p "$(nproc)" -trimpath -buildvcs=false -ldflags "$(link_flags)" -o "$1" "$2")
}

# What a program is made of: it is built again when any of this changes.
sources_key() {
    {
        (cd "$NODE_SOURCES" && sha256sum go.mod go.sum ./*.go pause/*.go)
        sha256sum <"$HERE/toolchain.sh"
        "$GO" env GOVERSION GOARCH
    } | sha256sum | cut -c 1-16
}

# Sets PROGRAM (and PAUSE, the Pods' first process); builds both if the cache has none of these sources.
ensure_program() {
    local folder
    GO=$(find_go) || { install_go >&2; GO=$(find_go); } || die "Go $GO_OLDEST or newer is needed and could not be installed"
    folder=$CACHE/node/$(sources_key)
    PROGRAM=$folder/node
    PAUSE=$folder/pause
    if [ -x "$PROGRAM" ] && [ -x "$PAUSE" ]; then return; fi
    say "building Kubernetes $KUBERNETES; from nothing this takes some 8 minutes on two cores"
    mkdir -p "$folder"
    build "$folder/node.new" . >&2
    build "$PAUSE" ./pause >&2
    mv "$folder/node.new" "$PROGRAM"
    find "$CACHE/node" -mindepth 1 -maxdepth 1 ! -path "$folder" -mtime +14 -exec rm -rf {} +
    say "built $PROGRAM"
}
