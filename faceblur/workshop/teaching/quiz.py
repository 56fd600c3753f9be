"""Ten questions at the end, each with three answers; every wrong one is told why."""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import WorkshopError

LETTERS = "abc"


@dataclass(frozen=True)
class Question:
    """options: (answer, why it is wrong or, for the right one, why it is right), in the order a, b, c."""

    words: str
    options: tuple[tuple[str, str], ...]
    right: str


QUESTIONS = (
    Question(
        "Why do uploads and results lie in two buckets?",
        (
            ("two buckets are faster", "one bucket takes all the requests of this workshop and many more"),
            ("results would start the workflow again", "an event for each result would start the next run, for ever"),
            ("a bucket holds files of one type", "a bucket holds whatever is put into it"),
        ),
        "b",
    ),
    Question(
        "What does a trust policy say?",
        (
            ("who may wear the role", "it names the service or user that may assume the role"),
            ("what the role may do", "that is the permissions policy"),
            ("whom AWS trusts with the bill", "roles have nothing to do with bills"),
        ),
        "a",
    ),
    Question(
        "Why does the image's address end in a digest?",
        (
            ("it is shorter than a tag", "it is much longer"),
            ("ECR takes no tags", "ECR takes tags, and this image has one, too"),
            ("a tag may point to another image tomorrow", "a digest is a hash: it names this image and no other"),
        ),
        "c",
    ),
    Question(
        "An upload's event comes twice. What happens?",
        (
            ("the video is blurred twice", "both events give one name, and of each name one execution starts"),
            ("nothing more than with one", "the second start has the first one's name and starts nothing"),
            ("S3 never sends one twice", "S3 promises at least once, not exactly once"),
        ),
        "b",
    ),
    Question(
        "Why does the workflow wait in a loop of its own?",
        (
            ("a function that waits is paid all the time", "a Wait costs one transition, a sleeping function its time"),
            ("Step Functions cannot call Rekognition", "it can; the loop is about waiting, not about calling"),
            ("Rekognition allows one question a minute", "it allows several a second"),
        ),
        "a",
    ),
    Question(
        "What belongs into the data that states hand on?",
        (
            ("the frames", "an execution carries 256 KiB at most"),
            ("all boxes", "a long video has hundreds of thousands of them"),
            ("where things lie", "pointers are small, and what they point to may be large"),
        ),
        "c",
    ),
    Question(
        "Rekognition looks twice a second. What does the blur do between two looks?",
        (
            ("it follows each face from frame to frame", "and it looks with a detector of its own, too"),
            ("it keeps the last box", "a face that moves would look out of it"),
            ("nothing: half a second is short", "half a second of a face is enough to know somebody"),
        ),
        "a",
    ),
    Question(
        "When is the blurred video delivered?",
        (
            ("when it is written", "what is written has not been looked at yet"),
            ("when it was looked at again and passed", "a result that fails its check stays in the work bucket"),
            ("when somebody has approved it", "nobody has to; a review is possible afterwards"),
        ),
        "b",
    ),
    Question(
        "Where do you look first when an upload has no result?",
        (
            ("into the input bucket", "the upload lies there in any case"),
            ("into the bill", "it comes a day later and names no cause"),
            ("at the record beside the place of the output", "it names the state and the cause; the logs say the rest"),
        ),
        "c",
    ),
    Question(
        "Why does the clean-up ask for tags, not for names?",
        (
            ("anybody may use one of our names", "a name proves nothing; the tags were put there by the workshop"),
            ("names cannot be listed", "every service lists its names"),
            ("tags are deleted with the bill", "tags and bills do not know each other"),
        ),
        "a",
    ),
)  # fmt: skip


_WANTED = f"{len(QUESTIONS)} letters are asked for, each of them a, b, c or -"


def show() -> None:
    """Print the ten questions."""
    for number, question in enumerate(QUESTIONS, 1):
        print(f"{number}. {question.words}")
        for letter, (words, _) in zip(LETTERS, question.options, strict=True):
            print(f"   {letter}) {words}")


def mark(answers: str, solve: bool = False) -> int:
    """Check ten letters, in order, and print what is wrong with each wrong one; the number of right ones.

    An empty text is not answered yet, a "-" leaves one out. Raises WorkshopError for what are not ten letters.
    """
    if not isinstance(answers, str):
        raise WorkshopError(f'{answers!r}: {_WANTED}, in one text: "abc..."')
    given = "".join(question.right for question in QUESTIONS) if solve else "".join(answers.lower().split())
    if not given:
        print(f"Not answered yet: write {len(QUESTIONS)} letters, one for each question, - for one that you leave out.")
        return 0
    if len(given) != len(QUESTIONS) or set(given) - {*LETTERS, "-"}:
        raise WorkshopError(f"{answers!r}: {_WANTED}")
    for number, (letter, question) in enumerate(zip(given, QUESTIONS, strict=True), 1):
        print(f"{number:2}. {_word(letter, question)}")
    right = sum(letter == question.right for letter, question in zip(given, QUESTIONS, strict=True))
    print(f"{right} of {len(QUESTIONS)} right.")
    return right


def _word(letter: str, question: Question) -> str:
    if letter == "-":
        return "left out"
    answer, why = question.options[LETTERS.index(letter)]
    return f"{'right' if letter == question.right else 'WRONG'}: {answer}: {why}"
