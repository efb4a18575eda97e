#!/usr/bin/env bash
# All stages of `./dev test`.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 2

BUDGET_SECONDS=$((${1:-40} * 60))
FUZZ_SECONDS=10
SLOW=4  # how much longer tests wait for a sanitizer's build
# shellcheck source=tests/stages.sh
. tests/stages.sh

# The C++ tests of one preset: those whose names begin with one of the modules.
unit() {
    local preset=$1
    shift
    ctest --test-dir "build/$preset" -j "$(nproc)" --output-on-failure -R "^($(tr ' ' '|' <<<"$*"))\\."
}

PLAIN=(api yaml runtime domain objects reconcile http metrics host kube tools tidy)
SANITIZED=(wire control session pool proxy net postgres sim)
tests_of() { printf '%s_test\n' "$@"; }
build_plain() {
    local targets
    mapfile -t targets < <(tests_of "${PLAIN[@]}")
    build_targets dev penstock-proxy penstock-operator crdgen "${targets[@]}"
}
build_sanitized() {
    local targets
    mapfile -t targets < <(tests_of "${SANITIZED[@]}")
    build_targets asan penstock-proxy "${targets[@]}"
}
# Only the programs that share memory between threads: what ThreadSanitizer is for.
build_thread_tests() { build_targets tsan tests/thread/all; }

# Two halves at once, on a PostgreSQL each.
integration() {
    local preset=$1 patience=$2 scripts=$3 first=0 second=0
    shift 3
    export PENSTOCK_BUILD=build/$preset PENSTOCK_TEST_PATIENCE=$patience DIFFERENTIAL_SCRIPTS=$scripts
    "$PYTHON" -m pytest tests/integration/differential -q -p no:cacheprovider >"$LOGS/differential-$preset.log" 2>&1 &
    local half=$!
    "$PYTHON" -m pytest -q -p no:cacheprovider --ignore tests/integration/differential "$@" || first=$?
    wait "$half" || second=$?
    cat "$LOGS/differential-$preset.log"
    return $((first + second))
}

# On the programs of build/dev. The cluster ends with the stage, unless it was up before.
e2e() {
    local code=0 was_up=0
    if [ "$(id -u)" -eq 0 ]; then ./dev cluster deps; fi
    if ./dev cluster status; then was_up=1; fi
    PENSTOCK_BUILD=build/dev ./dev e2e -rs || code=$?
    if [ "$was_up" -eq 0 ]; then ./dev cluster down || code=$?; fi
    return "$code"
}

stage step "packages" ./dev deps
stage step "formatting" ./dev format-check
stage tests "packaging" ./dev packaging
if stage step "build dev" build_plain; then
    stage tests "unit and tidy tests of the operator and the resources" unit dev "${PLAIN[@]}"
    stage tests "integration" integration dev 2 5000 tests/integration tests/local
    stage tests "e2e on a Kubernetes node" e2e
fi
# The data plane's tests run where they find most.
if stage step "build asan" build_sanitized; then
    stage tests "unit tests of the data plane and simulations (asan, ubsan)" unit asan "${SANITIZED[@]}"
    stage tests "integration (asan, ubsan)" integration asan "$SLOW" 500 tests/integration -k "not crowd and not local and not budget"
fi
if stage step "build tsan" build_thread_tests; then
    stage tests "thread tests (tsan)" unit tsan thread
fi
if stage step "build fuzz" build_targets fuzz tests/fuzz/all; then
    stage tests "fuzz smoke, $FUZZ_SECONDS s each" fuzz_each "$FUZZ_SECONDS"
fi

close_stages
