"""The chapters' tasks: a right answer passes, and each way to be wrong is told by its own sentence; the quiz."""

import hashlib
import json
import uuid

import pytest
from lambda_kit import ROOT
from notebook_kit import code_cells

from faceblur.errors import WorkshopError
from faceblur.workshop import CHAPTERS
from faceblur.workshop.teaching import check, quiz
from faceblur.workshop.watching.machine import machine_svg, order

S3, SHA = "arn:aws:s3:::", hashlib.sha256


def changed(name, **changes):
    """The solution of a task with some keys changed; None takes one away."""
    return {key: value for key, value in (check.TASKS[name].solved() | changes).items() if value is not None}


def state(name, **changes):
    """The loop with one state changed."""
    states = check.TASKS["loop"].solved()
    return states | {name: {key: value for key, value in (states[name] | changes).items() if value is not None}}


def role(*grants):
    return [{"Action": action, "Resource": f"{S3}{resource}"} for action, resource in grants]


READ, WRITE = ("s3:GetObject", "output/*"), ("s3:PutObject", "archive/*")
RULES = {"FilterRules": [{"Name": "suffix", "Value": ".mp4"}]}
CATCH = {"ErrorEquals": ["States.ALL"], "ResultPath": "$.failure", "Next": "RecordFailure"}


def filtered(prefix):
    return {"Key": {"FilterRules": [{"Name": "Prefix", "Value": prefix}]}}


WRONG = [
    ("sampling", 250, "half of the time"),
    ("sampling", 1000, "closer to each other"),
    ("sampling", 2, "how often"),
    ("sampling", 0.5, "seconds; milliseconds"),
    ("sampling", 0, "every frame"),
    ("sampling", 333, "two looks"),
    ("bucket_policy", changed("bucket_policy", Effect="Allow"), "refuses nobody"),
    ("bucket_policy", changed("bucket_policy", Condition=None), "you included"),
    (
        "bucket_policy",
        changed("bucket_policy", Condition={"Bool": {"aws:SecureTransport": "true"}}),
        "refuses those who come with TLS",
    ),
    ("bucket_policy", changed("bucket_policy", Principal={"AWS": "123456789012"}), "one Principal only"),
    ("bucket_policy", changed("bucket_policy", Action="s3:GetObject"), "some actions are left out"),
    ("bucket_policy", changed("bucket_policy", Resource=f"{S3}photos"), "its objects are not"),
    ("bucket_policy", changed("bucket_policy", Resource=f"{S3}photos/*"), "the bucket itself (listing"),
    ("bucket_policy", changed("bucket_policy", Resource="*"), "Resource must be"),
    ("roles", role(("s3:*", "output/*")), "a * among the actions"),
    ("roles", [{"Action": "s3:GetObject", "Resource": "*"}], "every bucket that there is"),
    ("roles", role(("s3:GetObject", "output")), "the ARN of a bucket"),
    ("roles", role(READ, WRITE, ("s3:PutObject", "output/*")), "overwrite the results"),
    ("roles", role(READ, WRITE, ("s3:GetObject", "archive/*")), "read the archive"),
    ("roles", role(READ), "may not yet s3:PutObject on arn:aws:s3:::archive/*"),
    ("roles", role(READ, WRITE, ("s3:DeleteObject", "archive/*")), "s3:DeleteObject is more"),
    ("layers", ["FROM", "CMD"], "each of these once"),
    ("layers", ["COPY requirements.txt", "FROM", "RUN pip install", "COPY handlers.py", "CMD"], "before FROM"),
    ("layers", ["FROM", "RUN pip install", "COPY requirements.txt", "COPY handlers.py", "CMD"], "what to install"),
    ("layers", ["FROM", "COPY handlers.py", "COPY requirements.txt", "RUN pip install", "CMD"], "installs all"),
    ("layers", ["FROM", "COPY requirements.txt", "RUN pip install", "CMD", "COPY handlers.py"], "stands last"),
    ("execution_name", lambda bucket, key, version: uuid.uuid4().hex, "paid, twice"),
    ("execution_name", lambda bucket, key, version: SHA(key.encode()).hexdigest(), "version is not in the name"),
    ("execution_name", lambda bucket, key, version: SHA(version.encode()).hexdigest(), "two videos have one name"),
    ("execution_name", lambda bucket, key, version: f"{key}{version}", "letters, digits, - and _ alone"),
    ("execution_name", lambda bucket, key, version: key.encode().hex() + version, "80 letters"),
    (
        "execution_name",
        lambda bucket, key, version: "".join(c if c.isascii() and c.isalnum() else "-" for c in key)[:70] + version,
        "makes them alike",
    ),
    ("loop", {"Ask": {"Type": "Task"}, "Ready": {"Type": "Choice"}}, "without a pause"),
    ("loop", {"Pause": {"Type": "Wait"}}, "three states"),
    ("loop", state("Wait", Next="Aks"), "Wait leads to Aks, which is no state"),
    ("loop", state("Wait", Next="Ready"), "Wait leads to Ask"),
    ("loop", state("Wait", Seconds=0), "no pause"),
    ("loop", state("Ready", Choices=[]), "must go on to GetResult"),
    ("loop", state("Ready", Default=None), "NoChoiceMatched"),
    ("loop", state("Ready", Default="Ask"), "without waiting"),
    ("loop", state("Ready", Default="RecordFailure"), "must lead back to Wait"),
    ("loop", state("Ask", Catch=None), "has no Catch"),
    ("loop", state("Ask", Catch=[CATCH | {"ErrorEquals": ["States.Timeout"]}]), "names some errors"),
    ("loop", state("Ask", Catch=[CATCH | {"Next": "Wait"}]), "must lead to RecordFailure"),
    ("loop", state("Ask", Catch=[CATCH | {"ResultPath": "$"}]), "which video it was"),
    ("trigger", changed("trigger", Events=["s3:ObjectRemoved:*"]), "only ObjectCreated"),
    ("trigger", changed("trigger", Events=["s3:ObjectCreated:Put"]), "in parts"),
    ("trigger", changed("trigger", Filter=None), "for ever"),
    ("trigger", changed("trigger", Filter=filtered("/uploads/")), "without a slash"),
    ("trigger", changed("trigger", Filter={"Key": RULES}), "a suffix does not keep them out"),
    ("trigger", changed("trigger", Filter=filtered("")), "fits the results"),
    ("trigger", changed("trigger", Filter=filtered("videos/")), "uploads/ is where"),
    ("retry", changed("retry", ErrorEquals=["States.ALL"]), "never succeed"),
    ("retry", changed("retry", ErrorEquals=["InputError"]), "stays so"),
    ("retry", changed("retry", ErrorEquals=["States.Timeout"]), "none of these"),
    ("retry", changed("retry", MaxAttempts=1), "gives up"),
    ("retry", changed("retry", BackoffRate=1), "pauses are alike"),
    ("retry", changed("retry", JitterStrategy=None), "nearly: forty segments"),
    ("area", changed("area", left=55), "ratios"),
    ("area", changed("area", start_ms=1.2, end_ms=1.7), "milliseconds, no seconds"),
    ("area", changed("area", start_ms=1300), "too late"),
    ("area", changed("area", end_ms=1600), "too early"),
    ("area", changed("area", width=0.1), "looks out"),
    ("area", changed("area", left=0, top=0, width=1, height=1), "far more"),
]  # fmt: skip


@pytest.mark.parametrize("name", check.TASKS)
def test_the_solution_is_right_and_an_empty_answer_is_no_mistake(name, capsys):
    getattr(check, name)(None, solve=True)
    assert capsys.readouterr().out.startswith("The solution: ")
    getattr(check, name)(check.TASKS[name].solved())
    assert capsys.readouterr().out.startswith("Right: ")
    getattr(check, name)(None)
    assert f'check.hint("{name}")' in capsys.readouterr().out


@pytest.mark.parametrize(("name", "answer", "words"), WRONG, ids=[f"{name}-{words}" for name, _, words in WRONG])
def test_each_way_to_be_wrong_is_told(name, answer, words):
    with pytest.raises(WorkshopError) as told:
        getattr(check, name)(answer)
    assert words in str(told.value) and str(told.value).endswith(f'A hint: check.hint("{name}")')


def test_no_two_mistakes_of_a_task_are_told_alike():
    for name, task in check.TASKS.items():
        told = [task.judge(answer) for which, answer, _ in WRONG if which == name]
        assert len(set(told)) == len(told) >= 5, name


@pytest.mark.parametrize("name", check.TASKS)
@pytest.mark.parametrize("answer", ["nonsense", 7, [], {}, [None], {"Wait": 1}], ids=repr)
def test_an_answer_of_another_form_is_one_sentence(name, answer):
    with pytest.raises(WorkshopError, match=r"^Not yet: "):
        getattr(check, name)(answer)


def test_hint_and_solution_are_said_and_an_unknown_task_names_those_there_are(capsys):
    check.hint("roles")
    check.solution("roles")
    assert "answer = [" in capsys.readouterr().out
    with pytest.raises(WorkshopError, match="there is no task 'rolls'; there are sampling, "):
        check.hint("rolls")


@pytest.mark.parametrize("number", CHAPTERS)
def test_each_chapter_has_its_task_and_a_solution_mode(number):
    code = "\n".join("".join(cell["source"]) for cell in code_cells(number))
    assert "SOLVE = False" in code
    asked = [name for name, task in check.TASKS.items() if task.chapter == number] or ["quiz"]
    assert any(f"check.{name}(answer, SOLVE)" in code or "quiz.mark(ANSWERS, SOLVE)" in code for name in asked)


@pytest.mark.parametrize("number", CHAPTERS)
def test_a_task_that_nobody_answered_stops_no_run(number, capsys):
    """The other mode: a run that takes no solutions and gives no answers goes on past the task."""
    cells = {cell["id"]: "".join(cell["source"]) for cell in code_cells(number)}
    for code in [cells["check"]] if number < 10 else [cells["questions"], cells["quiz"]]:
        exec(code, {"SOLVE": False, "quiz": quiz})
    assert "Not answered yet" in capsys.readouterr().out


def test_the_quiz_tells_why_each_wrong_answer_is_wrong(capsys):
    right = "".join(question.right for question in quiz.QUESTIONS)
    assert len(right) == 10 and quiz.mark(right) == 10 == quiz.mark("", solve=True)
    assert {*right} == {*quiz.LETTERS}
    for letter in quiz.LETTERS:
        capsys.readouterr()
        assert quiz.mark(letter * 10) == right.count(letter)
        said = capsys.readouterr().out
        assert said.count("WRONG") == 10 - right.count(letter)
        assert all(question.options[quiz.LETTERS.index(letter)][1] in said for question in quiz.QUESTIONS)
    assert quiz.mark("-" * 10) == 0 and quiz.mark(" ") == 0
    with pytest.raises(WorkshopError, match="10 letters"):
        quiz.mark("abcd")


def test_the_drawing_shows_every_state_with_its_loop_and_its_failures():
    definition = json.loads((ROOT / "statemachine.asl.json").read_text(encoding="utf-8"))
    drawing = machine_svg(definition, {"Wait": "#f0a202"})
    assert order(definition)[0] == definition["StartAt"] and {*order(definition)} == {*definition["States"]}
    assert all(f">{name}</text>" in drawing for name in definition["States"])
    assert "stroke-dasharray" in drawing and "on failure" in drawing and "stroke='#f0a202' stroke-width='3'" in drawing
    assert "Wait to WaitForCompletion" in drawing  # in words, for those who cannot see it
