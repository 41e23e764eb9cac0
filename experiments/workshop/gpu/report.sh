#!/usr/bin/env bash
# Try on a GPU what no card has run yet: experiments/workshop/gpu/report.sh OUTPUT [OPTION ...].
# It needs no internet, but the extras cuda13, experiments, test and parity. OUTPUT gets exit codes,
# logs and work folders. Options, such as --manual-dir, go to every run; ONLY="base bench" picks parts.
set -u
output=$1
of_runs=("${@:2}")
export JAX_PLATFORMS=cuda,cpu JAX_DEFAULT_MATMUL_PRECISION=highest
mkdir -p "$output" || exit 2
: >"$output/exit_codes.txt"

try() {  # NAME MODULE [ARGUMENT ...]; 124 is the exit code of what took too long
    [[ " ${ONLY:-$1} " == *" $1 "* ]] || return
    timeout 10m python -m "${@:2}" >"$output/$1.log" 2>&1
    echo "$1 $?" | tee -a "$output/exit_codes.txt"
}

run() {
    try "$1" experiments.run "${@:2}" --resume --workdir "$output/$1" "${of_runs[@]}"
}

run as_it_is --config base --epochs 5
run whole_graph --config base --epochs 5 --whole-graph
run tf32 --config base --epochs 5 --precision tf32
run deterministic --config base --epochs 5 --deterministic
run deterministic_again --config base --epochs 5 --deterministic
run profile --config base --epochs 1 --profile "$output/trace"
run base --config base
run seeds --config fast --seeds 10
try bench experiments.workshop.bench --config base
try tests pytest -n0 -p no:warnings
! grep -qv ' 0$' "$output/exit_codes.txt"
