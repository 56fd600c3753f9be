"""Every error that faceblur raises on purpose; this module imports nothing.

    FaceblurError                 one line that says what to do; `exit_code` is the CLI's
    ├── InputError          2     the file given is missing, empty, not a video, or has no picture
    ├── DocumentError       2     a JSON file does not hold what it should, or what is asked does not fit it
    │   ├── DetectionsError 2     it is one of detections
    │   └── PlanError       2     it is a plan; or a style, an area or a plan's frames cannot be or do not fit the video
    │       └── UnplannedFrameError  2  the video has a frame that the plan was not made of
    ├── OutputError         3     the output cannot be written
    ├── DetectorError       4     the face detector cannot be loaded
    ├── VerificationError   5     the result was looked at again and may show a face
    │   └── FacesMissedError 5    it shows faces that the plan does not know, and nothing else is wrong
    └── WorkshopError       6     a notebook step was skipped, or AWS is not in the state it needs

The class name is what a Lambda reports, so that the state machine can match it.
"""


class FaceblurError(Exception):
    """Base of all errors with a message for the user.

    >>> try:
    ...     faceblur.probe("missing.mp4")
    ... except FaceblurError as problem:
    ...     print(problem.exit_code, type(problem).__name__)
    2 InputError
    """

    exit_code = 1


class InputError(FaceblurError):
    """The input file cannot be used.

    >>> faceblur.probe("notes.txt")
    Traceback (most recent call last):
    faceblur.errors.InputError: notes.txt: no such file
    """

    exit_code = 2


class DocumentError(FaceblurError):
    """A JSON file of detections, a plan or a report cannot be used, or not as is asked."""

    exit_code = 2


class DetectionsError(DocumentError):
    """Detections cannot be used."""


class PlanError(DocumentError):
    """What a plan says cannot be, or does not fit the video.

    >>> try:
    ...     faceblur.Area(0.4, 0.1, 0, 0.2)
    ... except PlanError as problem:
    ...     print(problem.exit_code)
    2
    """


class UnplannedFrameError(PlanError):
    """A frame was decoded that the plan does not account for."""


class OutputError(FaceblurError):
    """The output cannot be written.

    >>> try:
    ...     faceblur.blur("in.mp4", "in.mp4")
    ... except OutputError as problem:
    ...     print(problem.exit_code)
    3
    """

    exit_code = 3


class DetectorError(FaceblurError):
    """The face detector cannot be loaded."""

    exit_code = 4


class VerificationError(FaceblurError):
    """The blurred video did not pass its audit."""

    exit_code = 5


class FacesMissedError(VerificationError):
    """Its audit found faces that the plan does not know, and nothing else: they can be covered, too."""


class WorkshopError(FaceblurError):
    """The workshop is not in the state that this step needs."""

    exit_code = 6


def by_name(name: str, message: str) -> FaceblurError:
    """The error of this class name, which another process raised."""
    kind = globals().get(name)
    return (kind if isinstance(kind, type) and issubclass(kind, FaceblurError) else FaceblurError)(message)


def death_by(number: int) -> str:
    """How a process ended that a signal ended, in words: what a native library did to it, or the system."""
    import signal  # here, so that the module imports nothing where all goes well

    if number == getattr(signal, "SIGKILL", 9):
        return "the process was killed from outside, as the system does when memory runs out"
    name = next((each.name for each in signal.Signals if each == number), f"signal {number}")
    return f"the codec library crashed on it ({name})"
