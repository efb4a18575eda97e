"""Argo CD's health scripts, run by lua5.4 over recorded resources."""
import pathlib
import subprocess

import pytest
import yaml

ROOT = pathlib.Path(__file__).parents[2]
RECORDED = yaml.safe_load((pathlib.Path(__file__).parent / "recorded.yaml").read_text())


def lua(value):
    """The value as a Lua expression."""
    if isinstance(value, dict):
        return "{" + ",".join(f"[{lua(key)}]={lua(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list):
        return "{" + ",".join(lua(part) for part in value) + "}"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def judge(document):
    script = ROOT / "manifests/argocd" / f"health_{document['kind'].lower()}.lua"
    # As Argo CD does: the resource is the global `obj`, and no library can be had.
    program = (
        f"local chunk = assert(loadfile({lua(str(script))}, 't', {{obj = {lua(document)}, ipairs = ipairs}}))\n"
        "local verdict = chunk()\n"
        "print(verdict.status)\nprint(verdict.message)\n"
    )
    said = subprocess.run(["lua5.4", "-"], input=program, capture_output=True, text=True, timeout=20, check=False)
    assert said.returncode == 0, said.stderr
    status, message = said.stdout.strip().split("\n", 1)
    return status, message


@pytest.mark.parametrize("case", RECORDED, ids=lambda case: case["name"])
def test_verdict(case):
    status, message = judge(case["object"])
    assert status == case["verdict"], message
    assert case["message"] in message


def test_every_verdict_of_a_pool_is_recorded():
    seen = {case["verdict"] for case in RECORDED if case["object"]["kind"] == "ConnectionPool"}
    assert seen == {"Healthy", "Progressing", "Degraded", "Suspended"}
