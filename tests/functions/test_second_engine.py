"""statemachine.asl.json on a second interpreter: recorded executions, run again by moto, do what they did.

The functions answer what they answered on the embedded AWS, each call once and only for the payload it had there. So
the two agree about every path, choice, retry and catch on the way, or an answer is not found.
"""

import json

import pytest
from second_engine import FOLDER, HOW_IT_ENDED, definition, plain, replayed

RECORDINGS = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))}


def told(calls):
    """In one order; what Lambda itself says of a call that it refuses has each engine's own words."""
    known = [call | {"cause": ""} if call.get("error", "").startswith("Lambda.") else call for call in plain(calls)]
    return sorted(known, key=lambda call: json.dumps(call, sort_keys=True))


@pytest.mark.parametrize("name", RECORDINGS)
def test_both_do_the_same(name):
    recorded = RECORDINGS[name]
    found = replayed(definition(), recorded)
    assert found["entered"] == recorded["entered"]
    assert plain([found.get(key) for key in HOW_IT_ENDED]) == plain([recorded.get(key) for key in HOW_IT_ENDED])
    assert told(found["calls"]) == told(recorded["calls"])
    assert found["left"] == 0
    waited = [call["answer"]["wait_seconds"] for call in recorded["calls"] if "wait_seconds" in call.get("answer", {})]
    assert found["pauses"]["waits"] == waited[: len(found["pauses"]["waits"])]
    failed = [call for call in recorded["calls"] if "error" in call]
    assert len(found["pauses"]["retries"]) <= len(failed) and all(0 <= s <= 30 for s in found["pauses"]["retries"])


def test_the_recordings_enter_every_state():
    def all_states(machine):
        for name, state in machine["States"].items():
            yield name
            yield from all_states(state.get("ItemProcessor", {"States": {}}))

    entered = {state for each in RECORDINGS.values() for line in each["entered"].values() for state in line}
    assert entered == set(all_states(json.loads(definition())))


def test_they_have_several_segments_a_second_round_retries_and_failures():
    assert len(RECORDINGS["several_segments"]["entered"]) > 3
    assert RECORDINGS["missed_faces"]["entered"]["0"] == ["BlurSegment", "ProveSegment"] * 2
    errors = {name: [call["error"] for call in each["calls"] if "error" in call] for name, each in RECORDINGS.items()}
    assert errors["rekognition_busy"] == ["LimitExceededException"]
    assert errors["function_killed"] == ["Runtime.ExitError"]
    assert errors["functions_throttled"] == ["Lambda.TooManyRequestsException"]
    for name, error in {"function_killed_twice": "Runtime.ExitError", "job_failed": "JobFailedError"}.items():
        assert set(errors[name]) == {error} and RECORDINGS[name]["entered"][""][-1] == "Failed"
    assert RECORDINGS["delivered_before"]["entered"][""][-2:] == ["IsDelivered", "Delivered"]


def without_catch(machine):
    del machine["States"]["BlurSegments"]["ItemProcessor"]["States"]["ProveSegment"]["Catch"]


def no_retry(machine):
    machine["States"]["BlurSegments"]["ItemProcessor"]["States"]["ProveSegment"]["Retry"] = []


@pytest.mark.parametrize("change", [without_catch, no_retry])
def test_another_definition_does_something_else(change):
    recorded, machine = RECORDINGS["missed_faces"], json.loads(definition())
    change(machine)
    assert replayed(json.dumps(machine), recorded)["status"] == "FAILED" != recorded["status"]


def test_another_payload_finds_no_answer():
    recorded, machine = RECORDINGS["several_segments"], json.loads(definition())
    machine["States"]["JoinSegments"]["Parameters"]["Payload"]["segments.$"] = "$.plan.video"
    found = replayed(json.dumps(machine), recorded)
    assert found["status"] == "FAILED" and found["left"] == 1 and found["calls"][-1]["error"] == "NotRecorded"
