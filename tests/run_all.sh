#!/usr/bin/env bash
# All stages of `./dev test`. The last line is "N passed, N failed", with ", N skipped" if there are any.
# A stage that cannot be built or does not begin within the budget counts as one failure.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 2

BUDGET_SECONDS=$((${1:-40} * 60))
FUZZ_SECONDS=10
SLOW=4  # how much longer tests wait for a sanitizer's build
PYTHON=/usr/bin/python3
LOGS=build/logs
mkdir -p "$LOGS"
passed=0 failed=0 skipped=0
summary=()

# Adds the counts in ctest's or pytest's closing lines of a log.
count() {
    local log=$1 ok=0 bad=0 left_out=0 counts
    counts=$("$PYTHON" tests/count_results.py "$log")
    read -r ok bad left_out <<<"$counts"
    passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + left_out))
    result="$ok passed, $bad failed"
    if [ "$left_out" -gt 0 ]; then result+=", $left_out skipped"; fi
    if [ "$bad" -gt 0 ]; then return 1; fi
}

# stage KIND TITLE COMMAND...: KIND is `tests` (its output is counted) or `step` (fails or not).
stage() {
    local kind=$1 title=$2 log began code=0 result=""
    shift 2
    log="$LOGS/$(tr -cs 'a-z0-9' '-' <<<"$title").log"
    if [ "$SECONDS" -gt "$BUDGET_SECONDS" ]; then
        failed=$((failed + 1))
        summary+=("NOT RUN  $title: the budget of $((BUDGET_SECONDS / 60)) minutes is used up")
        return 1
    fi
    printf '\n== %s\n' "$title"
    began=$SECONDS
    "$@" >"$log" 2>&1 || code=$?
    if [ "$kind" = tests ]; then
        local before=$failed
        count "$log" || true
        if [ "$code" -ne 0 ] && [ "$failed" -eq "$before" ]; then failed=$((failed + 1)) && result+=", exit code $code"; fi
        if [ "$failed" -ne "$before" ]; then code=1; fi
    elif [ "$code" -ne 0 ]; then
        failed=$((failed + 1)) result="exit code $code"
    fi
    local took=$((SECONDS - began)) word=ok
    if [ "$code" -ne 0 ]; then
        word=FAILED
        tail -n 60 "$log"
    fi
    printf '%s: %s %s (%d s; %s)\n' "$title" "$word" "$result" "$took" "$log"
    summary+=("$(printf '%-8s %5d s  %s  %s' "$word" "$took" "$title" "$result")")
    return "$code"
}

# The C++ tests of one preset: those whose names begin with one of the modules.
unit() {
    local preset=$1
    shift
    ctest --test-dir "build/$preset" -j "$(nproc)" --output-on-failure -R "^($(tr ' ' '|' <<<"$*"))\\."
}

# Only the targets that a stage needs: from cold, every file costs seconds, and three times as many under sanitizers.
build_targets() {
    local preset=$1
    shift
    cmake --preset "$preset" -Wno-dev && ninja -C "build/$preset" "$@"
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

fuzz_smoke() {
    local target code=0
    for target in build/fuzz/tests/fuzz/fuzz_*; do
        if [ ! -f "$target" ] || [ ! -x "$target" ]; then continue; fi
        if ./dev fuzz-one "$target" "$FUZZ_SECONDS"; then
            echo "fuzz target $(basename "$target"): 1 passed, 0 failed"
        else
            echo "fuzz target $(basename "$target"): 0 passed, 1 failed"
            code=1
        fi
    done
    return "$code"
}

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
    stage tests "fuzz smoke, $FUZZ_SECONDS s each" fuzz_smoke
fi

printf '\n== summary after %d min %d s\n' $((SECONDS / 60)) $((SECONDS % 60))
printf '%s\n' "${summary[@]}"
closing="$passed passed, $failed failed"
if [ "$skipped" -gt 0 ]; then closing+=", $skipped skipped"; fi
echo "$closing"
[ "$failed" -eq 0 ]
