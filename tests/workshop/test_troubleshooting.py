"""The troubleshooting tables quote errors by their text: what is our own must be said that way in the code."""

import ast
import re
from pathlib import Path

import pytest
from notebook_kit import cells

import faceblur
from faceblur.workshop import CHAPTERS

GAP = "{}"
# What AWS, Docker, Python or a person's eyes say; everything else in the tables is a message of ours.
OF_OTHERS = {
    "ModuleNotFoundError: No module named 'faceblur'",
    "BucketAlreadyExists",
    "PutBucketPolicy",
    "CreateRole",
    "MalformedPolicyDocument",
    "no space left on device",
    "'MemorySize' value failed to satisfy constraint",
    "Lambda does not have permission to access the ECR image",
    "Task timed out after 60.00 seconds",
    "not authorized to access the Log Destination",
    "Lambda.AWSLambdaException ... is not authorized to perform: lambda:InvokeFunction",
    "does not have permissions to call",
    "ClientError: … (404) … HeadObject … Not Found",
}


def messages(source):
    """Every string in the code, its gaps as {}; strings that Python joins are one."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else GAP for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.ClassDef):
            yield node.name  # an error is named by its class


@pytest.fixture(scope="module")
def ours():
    package = Path(faceblur.__file__).parent
    files = [*package.rglob("*.py"), *(package.parent / "lambda_src").rglob("*.py")]
    sources = [path.read_text(encoding="utf-8") for path in files]
    sources += ["".join(cell["source"]) for n in CHAPTERS for cell in cells(n) if cell["cell_type"] == "code"]
    return [message for source in sources for message in messages(source)]


def quoted(number):
    """The texts in backquotes of the first column."""
    (table,) = ["".join(cell["source"]) for cell in cells(number) if cell["id"] == "troubleshooting"]
    rows = [line.split(" | ")[0] for line in table.splitlines() if line.startswith("| ")][1:]
    return [text for row in rows for text in re.findall(r"`([^`]+)`", row)]


@pytest.mark.parametrize("number", CHAPTERS)
def test_errors_are_quoted_as_they_are_said(number, ours):
    texts = quoted(number)
    assert len(texts) >= 2
    for text in set(texts) - OF_OTHERS:
        said = re.sub(r"\d\d_\w+\.ipynb", GAP, text.removeprefix("WorkshopError: "))
        parts = [part.strip() for part in re.split(r"…|\.\.\.", said) if part.strip()]
        assert any(all(part in message for part in parts) for message in ours), text


def mistakes():
    """(the mistake, what is said) of docs/teaching.md."""
    text = (Path(faceblur.__file__).parents[1] / "docs" / "teaching.md").read_text(encoding="utf-8")
    rows = text.partition("| the mistake | what is said |")[2].splitlines()[2:]
    return [tuple(cell.strip() for cell in row.strip("|").split(" | ")) for row in rows if row.startswith("|")]


def test_the_teacher_s_table_of_mistakes_quotes_what_is_said(ours):
    """What stands between two … is said that way, in one piece."""
    pieces = [piece for message in ours for piece in message.split(GAP)]
    assert len(mistakes()) >= 25
    for mistake, said in mistakes():
        parts = [part.strip(" ;") for part in said.split("…") if part.strip()]
        assert parts and max(map(len, parts)) > 10, mistake
        assert not [part for part in parts if not any(part in piece for piece in pieces)], mistake
