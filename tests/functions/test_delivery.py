"""A file leaves in parts while it is written; its head may be gone back to, and nothing else."""

import threading

import pytest
from lambda_kit import ROOT, load

from faceblur.files import sha256_of_parts

PLACE = {"Bucket": "b", "Key": "out.mp4"}


class Storage:
    """As much of S3 as an upload asks; `most` is how many parts were on their way at the same time."""

    def __init__(self):
        self.parts, self.ended, self.under_way, self.most = {}, None, 0, 0
        self._lock = threading.Lock()

    def create_multipart_upload(self, **_):
        return {"UploadId": "7"}

    def upload_part(self, PartNumber, Body, **_):
        with self._lock:
            self.under_way += 1
            self.most = max(self.most, self.under_way)
        self.parts[PartNumber] = bytes(Body)
        with self._lock:
            self.under_way -= 1
        return {"ETag": f"e{PartNumber}"}

    def complete_multipart_upload(self, MultipartUpload, **_):
        self.ended = [part["PartNumber"] for part in MultipartUpload["Parts"]]
        return {"VersionId": "v"}

    def abort_multipart_upload(self, **_):
        self.ended = "given up"

    @property
    def content(self):
        return b"".join(self.parts[number] for number in sorted(self.parts))


@pytest.fixture
def delivery(monkeypatch):
    module = load(ROOT / "container", "delivery")
    monkeypatch.setattr(module, "SMALLEST_PART", 64)
    monkeypatch.setattr(module, "PART", 100)
    return module


def written(delivery, storage, body):
    """A head of 80 bytes of which 20 are written last, then the body, in pieces that fit no part."""
    upload = delivery.Upload(storage, PLACE, {}, 80)
    upload.write(b"H" * 10)
    upload.seek(30)  # room for the index
    upload.write(b"h" * 40)
    for start in range(0, len(body), 37):
        upload.write(body[start : start + 37])
    upload.seek(10)
    upload.write(b"i" * 20)
    upload.finish()
    return upload


@pytest.mark.parametrize("length", [0, 1, 9, 10, 11, 100, 109, 110, 111, 5000])
def test_the_parts_are_the_file(delivery, tmp_path, length):
    storage, body = Storage(), bytes(number % 251 for number in range(length))
    upload = written(delivery, storage, body)
    assert upload.complete() == "v"
    assert storage.content == b"H" * 10 + b"i" * 20 + b"h" * 40 + body
    assert storage.ended == sorted(storage.parts) == list(range(1, len(storage.parts) + 1))
    (tmp_path / "out.mp4").write_bytes(storage.content)
    said = upload.described()
    assert said["bytes"] == len(storage.content)
    assert said["sha256_of_parts"] == sha256_of_parts(tmp_path / "out.mp4", said["first_part"], said["part"])


def test_only_the_head_may_be_gone_back_to(delivery):
    upload = delivery.Upload(Storage(), PLACE, {}, 80)
    upload.write(b"x" * 300)
    upload.seek(70)
    upload.write(b"y" * 10)
    upload.seek(79)
    with pytest.raises(ValueError, match="has left already"):
        upload.write(b"zz")


def test_few_parts_wait_in_memory(delivery):
    storage = Storage()
    written(delivery, storage, bytes(20_000))
    assert 1 <= storage.most <= delivery.UNDER_WAY


def test_what_is_given_up_is_said_to_the_storage(delivery):
    storage = Storage()
    written(delivery, storage, b"").abort()
    assert storage.ended == "given up"


def test_its_index_is_read_before_it_is_there(delivery):
    upload = written(delivery, Storage(), bytes(1000))
    index = upload.index()
    assert index.size == 1070 and index.read(8, 32) == b"HH" + b"i" * 20 + b"hh"
