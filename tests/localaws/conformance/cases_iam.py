"""IAM and STS: https://docs.aws.amazon.com/IAM/latest/ and https://docs.aws.amazon.com/STS/latest/"""

import json

import boto3
from world import Table, World, allow, deny, error_of

IAM = Table("IAM and STS")
API, STS, GUIDE = "IAM/latest/APIReference/API_", "STS/latest/APIReference/API_", "IAM/latest/UserGuide/"
LOGIC = f"{GUIDE}reference_policies_evaluation-logic.html"
refuses, gives, case = IAM.refuses, IAM.gives, IAM.case
NONE = "faceblur-conformance-none"
TRUST = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]})  # fmt: skip

for call, more in {
    "get_role": {"RoleName": NONE}, "delete_role": {"RoleName": NONE}, "get_user": {"UserName": NONE},
    "get_role_policy": {"RoleName": NONE, "PolicyName": "x"}, "list_attached_role_policies": {"RoleName": NONE},
    "put_role_policy": {"RoleName": NONE, "PolicyName": "x", "PolicyDocument": json.dumps(
        {"Version": "2012-10-17", "Statement": [allow("s3:*")]})},
    "get_policy": {"PolicyArn": "arn:aws:iam::aws:policy/" + NONE},
    "attach_role_policy": {"RoleName": NONE, "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"},
}.items():  # fmt: skip
    page = f"{API}{''.join(word.capitalize() for word in call.split('_'))}.html"
    refuses(f"{call} of what is not there", page, f"iam.{call}", "NoSuchEntity", **more)
refuses("a trust policy that is no JSON", f"{API}CreateRole.html", "iam.create_role", "MalformedPolicyDocument",
        RoleName=lambda w: w.unique(), AssumeRolePolicyDocument="{")  # fmt: skip
refuses("a trust policy without a principal", f"{API}CreateRole.html", "iam.create_role", "MalformedPolicyDocument",
        RoleName=lambda w: w.unique(), AssumeRolePolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole"}]}))  # fmt: skip
refuses("a name of more than 64 letters", f"{API}CreateRole.html", "iam.create_role", "ValidationError", RoleName="r" * 65,
        AssumeRolePolicyDocument=TRUST)  # fmt: skip
refuses("the same role again", f"{API}CreateRole.html", "iam.create_role", "EntityAlreadyExists",
        RoleName=lambda w: w.role.rpartition("/")[2], AssumeRolePolicyDocument=TRUST)  # fmt: skip
refuses("a role with a policy", f"{API}DeleteRole.html", "iam.delete_role", "DeleteConflict",
        RoleName=lambda w: w.role.rpartition("/")[2])  # fmt: skip
refuses("a policy that is no JSON", f"{API}PutRolePolicy.html", "iam.put_role_policy", "MalformedPolicyDocument",
        RoleName=lambda w: w.role.rpartition("/")[2], PolicyName="bad", PolicyDocument="{")  # fmt: skip
refuses("a policy with an effect that is none", f"{API}PutRolePolicy.html", "iam.put_role_policy",
        "MalformedPolicyDocument", RoleName=lambda w: w.role.rpartition("/")[2], PolicyName="bad", PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [{"Effect": "Maybe", "Action": "*", "Resource": "*"}]}))  # fmt: skip
for name, changes in {
    "an action without its service": {"Action": "GetObject"},
    "an action with a semicolon": {"Action": "s3;GetObject"},
    "a resource that is no ARN": {"Resource": "my-bucket/*"},
    "a statement without a resource": {"Resource": None},
    "a statement without an action": {"Action": None},
    "a permission with a principal": {"Principal": "*"},
}.items():
    wrong = {key: value for key, value in (allow("s3:GetObject") | changes).items() if value is not None}
    refuses(name, f"{GUIDE}reference_policies_grammar.html", "iam.put_role_policy", "MalformedPolicyDocument",
            RoleName=lambda w: w.role.rpartition("/")[2], PolicyName="bad",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [wrong]}))  # fmt: skip
refuses("a trust in a service that is none", f"{GUIDE}reference_policies_elements_principal.html", "iam.create_role",
        "MalformedPolicyDocument", RoleName=lambda w: w.unique(),
        AssumeRolePolicyDocument=TRUST.replace("lambda.amazonaws.com", "lambda.amazon.com"))  # fmt: skip
refuses("a session below 15 minutes", f"{STS}AssumeRole.html", "sts.assume_role", "ValidationError", RoleArn="@role",
        RoleSessionName="x", DurationSeconds=899)  # fmt: skip
refuses("a role that does not trust the caller", f"{STS}AssumeRole.html", "sts.assume_role", "AccessDenied",
        RoleArn="@role", RoleSessionName="xx")  # fmt: skip
gives("who is calling", f"{STS}GetCallerIdentity.html", "sts.get_caller_identity", "keys(@)", lambda v: "Arn" in v)
gives("a role's trust is a document", f"{API}GetRole.html", "iam.get_role", "Role.[Path, MaxSessionDuration]", ["/", 3600],
      RoleName=lambda w: w.role.rpartition("/")[2])  # fmt: skip


def may(name: str, page: str, statements: list, yes: list, no: list, **more) -> None:
    """A role with these statements may read the keys `yes` of the bucket, and not the keys `no`."""

    def check(world):
        put = {key: world.filled(value) for key, value in more.items()}
        text = json.dumps(statements).replace("BUCKET", world.bucket).replace("ACCOUNT", world.account)
        reader = world.as_role(*json.loads(text), **put)("s3")
        for key in yes + no:
            world.s3.put_object(Bucket=world.bucket, Key=key, Body=b"")
        assert [error_of(reader.get_object, Bucket=world.bucket, Key=key) for key in yes] == [""] * len(yes)
        assert [error_of(reader.get_object, Bucket=world.bucket, Key=key) for key in no] == ["AccessDenied"] * len(no)

    IAM.add(name, page, check)


ALL = "arn:aws:s3:::BUCKET/*"
CONDITIONS = f"{GUIDE}reference_policies_elements_condition_operators.html"
may("nothing is allowed unless it is said", LOGIC, [allow("s3:ListBucket")], [], ["a"])
may("a denial wins", LOGIC, [allow("s3:*"), deny("s3:GetObject", "arn:aws:s3:::BUCKET/a")], ["b"], ["a"])
may("a pattern in the resource", f"{GUIDE}reference_policies_elements_resource.html",
    [allow("s3:GetObject", "arn:aws:s3:::BUCKET/x/*")], ["x/a"], ["y/a"])  # fmt: skip
may("one letter of a pattern", f"{GUIDE}reference_policies_elements_resource.html",
    [allow("s3:GetObject", "arn:aws:s3:::BUCKET/?.txt")], ["a.txt"], ["ab.txt"])  # fmt: skip
may("a pattern in the action", f"{GUIDE}reference_policies_elements_action.html", [allow("s3:Get*")], ["a"], [])
may(
    "capitals in the action do not count",
    f"{GUIDE}reference_policies_elements_action.html",
    [allow("S3:getobject")],
    ["a"],
    [],
)
may("NotAction", f"{GUIDE}reference_policies_elements_notaction.html",
    [{"Effect": "Allow", "NotAction": "s3:GetObject", "Resource": "*"}], [], ["a"])  # fmt: skip
may("NotResource", f"{GUIDE}reference_policies_elements_notresource.html",
    [{"Effect": "Allow", "Action": "s3:*", "NotResource": "arn:aws:s3:::BUCKET/a"}], ["b"], ["a"])  # fmt: skip
may(
    "a condition that is met",
    CONDITIONS,
    [allow("s3:*", Condition={"Bool": {"aws:SecureTransport": ["true", "false"]}})],
    ["a"],
    [],
)
may(
    "a condition that is not met",
    CONDITIONS,
    [allow("s3:*", Condition={"StringEquals": {"aws:PrincipalAccount": "1"}})],
    [],
    ["a"],
)
may("every condition must be met", CONDITIONS, [allow("s3:*", Condition={
    "StringEquals": {"aws:PrincipalAccount": "ACCOUNT"}, "NumericLessThan": {"aws:MultiFactorAuthAge": "1"}})], [], ["a"])  # fmt: skip
may("a time before which", CONDITIONS, [allow("s3:*", Condition={"DateLessThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}})],
    [], ["a"])  # fmt: skip
may("a condition on what is not there: IfExists", CONDITIONS, [allow("s3:*", Condition={
    "StringEqualsIfExists": {"aws:SourceVpc": "vpc-1"}})], ["a"], [])  # fmt: skip
may("a session's policy takes away", f"{GUIDE}access_policies.html", [allow("s3:*")], ["x/a"], ["y/a"],
    policy=lambda w: {"Version": "2012-10-17", "Statement": [allow("s3:GetObject", f"arn:aws:s3:::{w.bucket}/x/*")]})  # fmt: skip


@case("a user's key works, and not after it is switched off", f"{API}UpdateAccessKey.html")
def _(world: World):
    name = world.unique()
    world.iam.create_user(UserName=name)
    world.afterwards(world.iam.delete_user, UserName=name)
    key = world.iam.create_access_key(UserName=name)["AccessKey"]
    world.afterwards(world.iam.delete_access_key, UserName=name, AccessKeyId=key["AccessKeyId"])
    own = world.client("sts", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
    world.eventually(lambda: error_of(own.get_caller_identity) == "")
    assert own.get_caller_identity()["Arn"].endswith(f":user/{name}")
    world.iam.update_access_key(UserName=name, AccessKeyId=key["AccessKeyId"], Status="Inactive")
    world.eventually(lambda: error_of(own.get_caller_identity) == "InvalidClientTokenId")


@case("a secret that is wrong", f"{GUIDE}reference_sigv-troubleshooting.html")
def _(world):
    key = boto3.Session().get_credentials().access_key
    wrong = world.client("sts", aws_access_key_id=key, aws_secret_access_key="x" * 40, aws_session_token=None)
    assert error_of(wrong.get_caller_identity) in ("SignatureDoesNotMatch", "InvalidClientTokenId")


@case("a permissions boundary takes away", f"{GUIDE}access_policies_boundaries.html")
def _(world):
    name, policy = world.unique(), world.unique()
    document = json.dumps({"Version": "2012-10-17", "Statement": [allow("s3:ListAllMyBuckets")]})
    arn = world.iam.create_policy(PolicyName=policy, PolicyDocument=document)["Policy"]["Arn"]
    world.afterwards(world.iam.delete_policy, PolicyArn=arn)
    trust = {"Effect": "Allow", "Principal": {"AWS": world.account}, "Action": "sts:AssumeRole"}
    role = world.iam.create_role(
        RoleName=name, PermissionsBoundary=arn,
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )["Role"]["Arn"]  # fmt: skip
    world.afterwards(world.iam.delete_role, RoleName=name)
    everything = json.dumps({"Version": "2012-10-17", "Statement": [allow("*")]})
    world.iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=everything)
    world.afterwards(world.iam.delete_role_policy, RoleName=name, PolicyName="own")
    found = world.eventually(lambda: assumed(world, role))
    s3 = world.client("s3", **found)
    assert error_of(s3.list_buckets) == "" and error_of(s3.get_object, Bucket=world.bucket, Key="key") == "AccessDenied"


def assumed(world, role: str) -> dict | None:
    try:
        found = world.sts.assume_role(RoleArn=role, RoleSessionName="conformance")["Credentials"]
    except world.sts.exceptions.ClientError:
        return None
    names = {
        "AccessKeyId": "aws_access_key_id",
        "SecretAccessKey": "aws_secret_access_key",
        "SessionToken": "aws_session_token",
    }
    return {to: found[name] for name, to in names.items()}


@case("a simulated policy says what a real one would", f"{API}SimulatePrincipalPolicy.html")
def _(world):
    answer = world.iam.simulate_principal_policy(
        PolicySourceArn=world.role, ActionNames=["logs:PutLogEvents", "s3:GetObject"]
    )
    found = {one["EvalActionName"]: one["EvalDecision"] for one in answer["EvaluationResults"]}
    assert found == {"logs:PutLogEvents": "allowed", "s3:GetObject": "implicitDeny"}
