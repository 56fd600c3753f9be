"""Who may call: the user whose key is handed out, the roles of functions, the registry's tokens. All random.

ministack derives the keys of a role's session from names that anybody can guess, and has one token for every registry.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
import time

from ministack.core import lambda_runtime
from ministack.core.responses import json_response
from ministack.services import ecr, iam, lambda_svc, sts

USER, POLICY = "faceblur", "arn:aws:iam::aws:policy/AdministratorAccess"
# https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetAuthorizationToken.html
TOKEN_SECONDS = 12 * 3600
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_salt = secrets.token_bytes(32)
_registry_tokens: dict[str, float] = {}


def install() -> dict[str, str]:
    """Make a user and return its key. The engine's own key is another, which nobody is told."""
    os.environ.update(AWS_ACCESS_KEY_ID=new_key_id("AKIA"), AWS_SECRET_ACCESS_KEY=secrets.token_hex(20))
    lambda_runtime.execution_credentials = lambda_svc.execution_credentials = execution_credentials
    token_answer = ecr._get_authorization_token
    ecr._get_authorization_token = lambda request: with_token(token_answer(request))
    iam._create_user({"UserName": [USER]})
    iam._users[USER]["AttachedPolicies"].append(POLICY)
    key, secret = new_key_id("AKIA"), secrets.token_hex(20)
    record = {"UserName": USER, "AccessKeyId": key, "SecretAccessKey": secret, "Status": "Active"}
    iam._access_keys[key] = record | {"CreateDate": iam._users[USER]["CreateDate"]}
    return {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret}


def new_key_id(prefix: str) -> str:
    return prefix + "".join(secrets.choice(_LETTERS) for _ in range(16))


def execution_credentials(config: dict) -> dict[str, str]:
    """The session of a function's role: always the same for one function and role, so that it stays warm."""
    account, _ = lambda_runtime._account_region_from_function_config(config)
    role = config.get("Role", "").rpartition("/")[2]
    session = config.get("FunctionName", "function")[:64]
    about = f"{config.get('FunctionArn', '')}:{config.get('Role', '')}"
    letters = base64.b32encode(_derived("key", about)).decode()
    key, secret, token = f"ASIA{letters[:16]}", _derived("secret", about).hex(), _derived("token", about).hex()
    record = {"Arn": f"arn:aws:sts::{account}:assumed-role/{role}/{session}", "UserId": f"{role}:{session}"}
    sts.register_session(key, record | {"SecretAccessKey": secret, "SessionToken": token})
    return {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": token}


def _derived(kind: str, about: str) -> bytes:
    return hmac.new(_salt, f"{kind}:{about}".encode(), hashlib.sha256).digest()


def with_token(answer):
    """GetAuthorizationToken's answer with a token of its own."""
    now, token = time.time(), base64.b64encode(b"AWS:" + secrets.token_urlsafe(48).encode()).decode()
    for old in [known for known, end in list(_registry_tokens.items()) if end < now]:
        _registry_tokens.pop(old, None)
    _registry_tokens[token] = now + TOKEN_SECONDS
    document = json.loads(answer[2])
    for entry in document["authorizationData"]:
        entry |= {"authorizationToken": token, "expiresAt": int(now + TOKEN_SECONDS)}
    return json_response(document)


def registry_lets_in(authorization: str) -> bool:
    """Whether the header is `Basic` with a token that was given out and has not expired."""
    scheme, _, token = authorization.partition(" ")
    return scheme.lower() == "basic" and _registry_tokens.get(token.strip(), 0) > time.time()
