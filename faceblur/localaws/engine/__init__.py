"""The embedded AWS's process, and the only room that touches ministack's internals.

In front of it stands a `gate`: strangers and web pages (`strangers`), signatures (`signatures`, `chunks`) and the
keys, tokens and sessions that are handed out (`identities`). ministack gives S3, IAM, ECR, SNS, logs and Step
Functions; hooked in here are our Lambda executor (`lambdas`), Rekognition Video (`rekognition`), and what AWS does
and ministack does not: `checks` (requests, with botocore's `models`), `permissions` (roles, trust, IAM of services
acting for a role), `conditions` (what policies ask), `entities` (managed policies, groups), `messages` (SNS, SQS), of
S3 `storage` and `buckets` (what is refused), `objects`, `uploads` and `notifications` (with `elements` of its
documents), of Lambda `functions` and `invocations`, `logs`, `registry` and `tagging` (ECR), and of Step Functions
`stepfunctions` (machines), `executions`, `values` (what states read and write), `attempts` (retries and limits),
`integrations` (what tasks call), `history` and `delivery` (its logs).
`cloud` runs it as `python -m faceblur.localaws.engine ROOT FD`.
"""
