#!/usr/bin/env bash
# Install vetgate into an environment of its own: the job's packages stay as they are, and a system Python that refuses
# installs (PEP 668) will do.
set -euo pipefail

stop() {
    echo "::error title=vetgate::$1"
    exit 3
}

python=$(command -v python3 || command -v python) || stop "no Python on PATH; run actions/setup-python before"

if [[ $INPUT_INSTALL_FROM == none ]]; then
    vetgate=$(command -v vetgate) || stop "install-from is none, but there is no vetgate on PATH"
else
    [[ $INPUT_EXTRAS =~ ^[A-Za-z0-9_.,\ -]*$ ]] || stop "extras are names, separated by commas"
    [[ $INPUT_VERSION =~ ^[A-Za-z0-9.+!-]*$ ]] || stop "version is one version, such as 1.2.3"
    extras=${INPUT_EXTRAS// /}
    [[ " ${INPUT_REPORTS//$'\n'/ } " != *" html "* ]] || extras+=,html
    if [[ $INPUT_ATTEST == sigstore ]]; then
        extras+=,sigstore
    elif [[ -n $INPUT_ATTEST || -n ${VETGATE_SIGNING_KEY:-} ]]; then
        extras+=,attest
    fi

    # The whole repository lies around an action, so that its commit pins vetgate and all that it pulls in.
    home=$(cd "$GITHUB_ACTION_PATH/../../.." && pwd)
    what=$home
    if [[ -n $INPUT_INSTALL_FROM ]]; then
        [[ -e $INPUT_INSTALL_FROM ]] || stop "install-from names no wheel or folder" # pip would look for a package of that name
        [[ -z $INPUT_VERSION ]] || stop "version and install-from both say what to install: give one"
        what=$(cd "$(dirname "$INPUT_INSTALL_FROM")" && pwd)/$(basename "$INPUT_INSTALL_FROM")
    fi
    [[ -z $INPUT_VERSION ]] || what=vetgate
    requirement="${what}[${extras#,}]${INPUT_VERSION:+==$INPUT_VERSION}"

    environment=$RUNNER_TEMP/vetgate-environment
    "$python" -m venv "$environment" || stop "no environment could be made; is python3-venv installed?"
    python=$environment/bin/python
    vetgate=$environment/bin/vetgate
    pip=("$python" -m pip install --quiet --disable-pip-version-check --constraint "$home/constraints.txt")
    [[ -z $INPUT_EXTRA_INDEX_URL ]] || pip+=(--extra-index-url "$INPUT_EXTRA_INDEX_URL")
    if [[ -d $what ]]; then
        "${pip[@]}" hatchling || stop "pip could not install what vetgate is built with"
        pip+=(--no-build-isolation) # an isolated build would bring in what no constraint pins
    fi
    env -u VETGATE_SIGNING_KEY -u VETGATE_KEY_PASSWORD "${pip[@]}" "$requirement" || stop "pip could not install vetgate"
fi

{
    echo "python=$python"
    echo "vetgate=$vetgate"
} >> "$GITHUB_OUTPUT"
"$vetgate" --version
