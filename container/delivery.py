"""A video that leaves for its bucket while it is written: a multipart upload whose first part, the index, goes last.

Nothing can be seen in the bucket before `complete`, and nothing after `abort`.
"""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from faceblur.video import RangedFile

SMALLEST_PART = 5 * 1024 * 1024  # https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
PART = 16 * 1024 * 1024  # 10,000 of them at most: 160 GB
UNDER_WAY = 2  # parts that wait in memory until they have left


class Upload(io.RawIOBase):
    """Written from front to back but for its first `head_bytes`, which may be gone back to until `finish`.

    place: Bucket and Key. metadata: of the object, texts. wrote(start, content): is told of every write.
    """

    def __init__(
        self,
        s3,
        place: dict,
        metadata: dict[str, str],
        head_bytes: int,
        wrote: Callable[[int, memoryview], None] = lambda start, content: None,
    ):
        self._s3, self._place, self.name = s3, place, place["Key"]
        self._head, self._head_bytes = bytearray(), max(head_bytes, SMALLEST_PART)
        self._rest, self._size, self._at = bytearray(), 0, 0
        self._wrote = wrote
        self._parts: dict[int, dict] = {}
        self._sending: dict[int, Future] = {}
        self._threads = ThreadPoolExecutor(UNDER_WAY, "upload")
        begun = s3.create_multipart_upload(
            **place, ContentType="video/mp4", Metadata=metadata, ChecksumAlgorithm="SHA256", ChecksumType="COMPOSITE"
        )
        self.id = begun["UploadId"]

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def write(self, data) -> int:
        """Raises ValueError when what has left, or may have, was to be changed."""
        data = memoryview(data).cast("B")
        self._wrote(self._at, data)
        in_head = data[: max(0, self._head_bytes - self._at)]
        if in_head:
            self._head.extend(bytes(max(0, self._at - len(self._head))))
            self._head[self._at : self._at + len(in_head)] = in_head
        if len(in_head) < len(data):
            if max(self._at, self._head_bytes) != max(self._size, self._head_bytes):
                raise ValueError(f"{self.name}: its part at {self._at} has left already")
            self._head.extend(bytes(self._head_bytes - len(self._head)))
            self._rest += data[len(in_head) :]
        self._at += len(data)
        self._size = max(self._size, self._at)
        while len(self._rest) >= PART:
            self._send(2 + len(self._parts) + len(self._sending), bytes(self._rest[:PART]))
            del self._rest[:PART]
        return len(data)

    def finish(self) -> None:
        """Send what is left, the head last, and wait until all has arrived."""
        if self._rest:
            self._send(2 + len(self._parts) + len(self._sending), bytes(self._rest))
            self._rest.clear()
        self._send(1, bytes(self._head))
        while self._sending:
            self._await()

    def index(self) -> RangedFile:
        """The file as far as its index tells; its media data read as zeros."""

        def fetch(start: int, end: int) -> bytes:
            known = bytes(self._head[start:end])
            return known + bytes(end - start - len(known))

        return RangedFile(self.name, self._size, fetch)

    def described(self) -> dict:
        """Size, and the SHA-256 of the parts' SHA-256, as S3 has it: of `first_part` bytes, then of `part` each."""
        digests = [base64.b64decode(self._parts[number]["ChecksumSHA256"]) for number in sorted(self._parts)]
        whole = hashlib.sha256(b"".join(digests)).hexdigest()
        return {"bytes": self._size, "first_part": len(self._head), "part": PART, "sha256_of_parts": whole}

    def complete(self) -> str:
        """The object is there, whole; its version."""
        parts = [self._parts[number] for number in sorted(self._parts)]
        done = self._s3.complete_multipart_upload(**self._place, UploadId=self.id, MultipartUpload={"Parts": parts})
        self._threads.shutdown()
        return done.get("VersionId", "")

    def abort(self) -> None:
        self._threads.shutdown(cancel_futures=True)
        self._s3.abort_multipart_upload(**self._place, UploadId=self.id)

    def _send(self, number: int, data: bytes) -> None:
        self._sending[number] = self._threads.submit(self._sent, number, data)
        if len(self._sending) > UNDER_WAY:
            self._await()

    def _await(self) -> None:
        number = next(iter(self._sending))
        self._parts[number] = self._sending[number].result()
        del self._sending[number]

    def _sent(self, number: int, data: bytes) -> dict:
        checksum = base64.b64encode(hashlib.sha256(data).digest()).decode()
        done = self._s3.upload_part(
            **self._place, UploadId=self.id, PartNumber=number, Body=data, ChecksumSHA256=checksum
        )
        return {"PartNumber": number, "ETag": done["ETag"], "ChecksumSHA256": checksum}
