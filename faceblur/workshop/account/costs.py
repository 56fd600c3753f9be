"""What a run costs on AWS: a table of prices that anybody may override, and sums over it.

Prices are for US East (N. Virginia), without free tiers, in US dollars. They change: look at the source
before you rely on one. Those marked secondary were read at a third party, not on AWS's own page.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from html import escape

from ...errors import WorkshopError


@dataclass(frozen=True)
class Price:
    """US dollars for one `unit`; where and when it was read."""

    usd: float
    unit: str
    source: str
    date: str


PRICES: Mapping[str, Price] = {
    "rekognition_minute": Price(
        0.10,
        "minute of video, face detection",
        "secondary; see https://aws.amazon.com/rekognition/pricing/",
        "2026-11",
    ),
    "lambda_gb_second": Price(
        0.0000166667, "GB-second, x86", "secondary; see https://aws.amazon.com/lambda/pricing/", "2026-11"
    ),
    "lambda_request": Price(0.20e-6, "request", "secondary; see https://aws.amazon.com/lambda/pricing/", "2026-11"),
    "state_transition": Price(0.025e-3, "transition", "https://aws.amazon.com/step-functions/pricing/", "2026-11"),
    "s3_gb_month": Price(0.023, "GB-month, Standard", "secondary; see https://aws.amazon.com/s3/pricing/", "2026-11"),
    "ecr_gb_month": Price(0.10, "GB-month", "secondary; see https://aws.amazon.com/ecr/pricing/", "2026-03"),
    "logs_gb": Price(0.50, "GB taken in", "secondary; see https://aws.amazon.com/cloudwatch/pricing/", "2026-11"),
}

# A run of the pipeline as the state machine is drawn: states entered once, and those of each further poll
# or segment.
TRANSITIONS_ONCE, TRANSITIONS_PER_POLL, TRANSITIONS_PER_SEGMENT = 8, 3, 2
# Not measured on AWS: memory times running time that a second of 720p video takes, by lambda_src/shared/budget.py,
# blurred with 7,076 MB and proven with 3,538 MB.
GB_SECONDS_PER_SECOND = 8.3
LOG_BYTES_PER_RUN = 50_000


@dataclass(frozen=True)
class Estimate:
    """Named parts in US dollars; shows itself as a table."""

    title: str
    parts: Mapping[str, float]

    @property
    def total(self) -> float:
        return sum(self.parts.values())

    def __str__(self) -> str:
        lines = [f"{name:42} {usd:10.4f} USD" for name, usd in self.parts.items()]
        return "\n".join([self.title, *lines, f"{'in all':42} {self.total:10.4f} USD"])

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        rows = "".join(
            f'<tr><td style="text-align:left">{escape(name)}</td><td>{usd:.4f}</td></tr>'
            for name, usd in [*self.parts.items(), ("in all", self.total)]
        )
        head = f'<tr><th style="text-align:left">{escape(self.title)}</th><th>USD</th></tr>'
        return {"text/plain": str(self), "text/html": f"<table>{head}{rows}</table>"}


def with_prices(**usd: float) -> dict[str, Price]:
    """The table with some prices replaced by your own, e.g. with_prices(rekognition_minute=0.12)."""
    unknown = set(usd) - set(PRICES)
    if unknown:
        raise ValueError(f"no price {', '.join(sorted(unknown))}; there are: {', '.join(PRICES)}")
    if below := [name for name, value in usd.items() if value < 0]:
        raise WorkshopError(f"{', '.join(below)}: a price is 0 or more")
    own = {name: replace(PRICES[name], usd=value, source="yours", date="") for name, value in usd.items()}
    return {**PRICES, **own}


def run_costs(
    video_s: float, video_gb: float, polls: int = 10, segments: int = 1, prices: Mapping[str, Price] = PRICES
) -> Estimate:
    """One video through the pipeline."""
    transitions = TRANSITIONS_ONCE + polls * TRANSITIONS_PER_POLL + segments * TRANSITIONS_PER_SEGMENT
    functions = 4 + polls + 2 * segments
    return Estimate(
        f"One video of {video_s:.0f} s",
        {
            "Rekognition Video": video_s / 60 * prices["rekognition_minute"].usd,
            "Lambda, time": video_s * GB_SECONDS_PER_SECOND * prices["lambda_gb_second"].usd,
            "Lambda, requests": functions * prices["lambda_request"].usd,
            "Step Functions": transitions * prices["state_transition"].usd,
            "CloudWatch Logs": LOG_BYTES_PER_RUN / 1e9 * prices["logs_gb"].usd,
            "S3, input and output kept a month": 2 * video_gb * prices["s3_gb_month"].usd,
        },
    )


def standing_costs(image_gb: float, stored_gb: float, prices: Mapping[str, Price] = PRICES) -> Estimate:
    """What a month costs when everything is left where it is and nothing is uploaded."""
    return Estimate(
        "A month of leaving everything",
        {
            "ECR, the image": image_gb * prices["ecr_gb_month"].usd,
            "S3, stored videos": stored_gb * prices["s3_gb_month"].usd,
            "Functions, state machine, roles, topic": 0.0,
        },
    )
