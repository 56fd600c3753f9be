"""Every resource name, derived from prefix, account and region."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import WorkshopError

ZIP_FUNCTIONS = ("start_face_detection", "wait_for_completion", "get_detections", "record_failure")
IMAGE_FUNCTIONS = ("plan_segments", "blur_segment", "prove_segment", "join_segments")
FUNCTIONS = ZIP_FUNCTIONS + IMAGE_FUNCTIONS
STATE_MACHINE_ROLE = "state_machine"

# The tightest limit is the role name: 64 characters hold prefix, longest function name and longest region.
_PREFIX = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST_PREFIX = 20


@dataclass(frozen=True)
class Names:
    """Names are global (S3) or per account (IAM), so account and region go into them where they must."""

    prefix: str
    account: str
    region: str
    partition: str = "aws"

    def __post_init__(self) -> None:
        if not _PREFIX.fullmatch(str(self.prefix)) or len(self.prefix) > _LONGEST_PREFIX:
            raise WorkshopError(
                f"PREFIX = {self.prefix!r} cannot be used: take 1 to {_LONGEST_PREFIX} of a-z, 0-9 and "
                "single hyphens, beginning with a letter"
            )

    @property
    def input_bucket(self) -> str:
        return self._bucket("input")

    @property
    def work_bucket(self) -> str:
        return self._bucket("work")

    @property
    def output_bucket(self) -> str:
        return self._bucket("output")

    @property
    def buckets(self) -> tuple[str, str, str]:
        return self.input_bucket, self.work_bucket, self.output_bucket

    @property
    def repository(self) -> str:
        return f"{self.prefix}-blur"

    @property
    def state_machine(self) -> str:
        return f"{self.prefix}-pipeline"

    @property
    def topic(self) -> str:
        return f"{self.prefix}-failures"

    @property
    def rule(self) -> str:
        return f"{self.prefix}-ended"

    @property
    def roles(self) -> dict[str, str]:
        """Role name by what wears it: the eight functions and the state machine."""
        return {who: self.role(who) for who in (*FUNCTIONS, STATE_MACHINE_ROLE)}

    @property
    def functions(self) -> dict[str, str]:
        return {name: self.function(name) for name in FUNCTIONS}

    @property
    def log_groups(self) -> dict[str, str]:
        return {who: self.log_group(who) for who in (*FUNCTIONS, STATE_MACHINE_ROLE)}

    def function(self, name: str) -> str:
        return f"{self.prefix}-{name.replace('_', '-')}"

    def role(self, who: str) -> str:
        return f"{self.prefix}-{who.replace('_', '-')}-{self.region}"

    def log_group(self, who: str) -> str:
        if who == STATE_MACHINE_ROLE:  # /aws/vendedlogs/ keeps the log delivery policy of the account short
            return f"/aws/vendedlogs/states/{self.state_machine}"
        return f"/aws/lambda/{self.function(who)}"

    def arn(self, service: str, resource: str) -> str:
        """The ARN of something of ours in this region and account, e.g. arn("sns", names.topic)."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    def _bucket(self, what: str) -> str:
        return f"{self.prefix}-{what}-{self.account}-{self.region}"
