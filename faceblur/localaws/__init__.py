"""The embedded AWS: one child process on 127.0.0.1 that really runs Lambdas, state machines, Rekognition.

    with LocalAws() as aws:
        boto3.client("s3", ...)         # with aws.environment in os.environ, unmodified boto3 works

Rooms: `cloud` starts and stops the process; `running` is `faceblur local`'s part of it; `engine` is the process and the
only module that touches ministack's internals; `failures` are those that were switched on, `chaos` switches them from
outside; `executor`, `environment`, `family`, `warden`, `runtime_api`, `callers`, `runtime_client`, `log_pipe`, `limits`
and `managed_runtime` run Lambda functions; `sandbox` begins their processes, `view` says what those see, `confinement`
sees to it; `images` and `layers` unpack container images, `entry` says what they begin with; `rekognition` and
`sampling` are Rekognition Video; `definition` checks state machines, `paths`, `choices` and `intrinsics` work out what
their states read; `policies` checks the form of IAM's. Nothing that goes into a Lambda imports this package.
"""

from .chaos import Chaos
from .cloud import LocalAws

__all__ = ["Chaos", "LocalAws"]
