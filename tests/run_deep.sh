#!/usr/bin/env bash
# The long tier, `./dev test deep`: what finds more the longer it runs. Arguments: seconds for each fuzz target (default 300).
set -uo pipefail
cd "$(dirname "$0")/.." || exit 2

BUDGET_SECONDS=$((12 * 3600))
FUZZ_SECONDS=${1:-300}
SEEDS=10000
SCRIPTS=50000
# shellcheck source=tests/stages.sh
. tests/stages.sh

simulation() {
    SIM_SEEDS=$SEEDS build/dev/tests/sim/sim_test --gtest_filter='ProxySim.*' --gtest_brief=1 &&
        echo "simulation of $SEEDS seeds: 1 passed, 0 failed"
}

# In parts, so that a server's memory and a failing part stay small.
random_scripts() {
    local code=0 from
    export DIFFERENTIAL_SCRIPTS=5000 PENSTOCK_BUILD=build/dev PENSTOCK_TEST_PATIENCE=2
    for ((from = 1; from <= SCRIPTS; from += DIFFERENTIAL_SCRIPTS)); do
        DIFFERENTIAL_FROM=$from "$PYTHON" -m pytest -q -p no:cacheprovider \
            tests/integration/differential/test_random.py || code=1
    done
    return "$code"
}

stage step "packages" ./dev deps
if stage step "build dev" build_targets dev penstock-proxy sim_test; then
    stage tests "simulation of $SEEDS seeds" simulation
    stage tests "random scripts, $SCRIPTS of them" random_scripts
fi
if stage step "build fuzz" build_targets fuzz tests/fuzz/all; then
    stage tests "fuzz, $FUZZ_SECONDS s each" fuzz_each "$FUZZ_SECONDS"
fi

close_stages
