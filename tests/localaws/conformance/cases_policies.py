"""IAM and STS, more closely: conditions, variables, tags, sessions, versions and limits of policies, simulations."""

import json

from cases_iam import API, CONDITIONS, GUIDE, IAM, LOGIC, STS, may
from world import allow, deny, error_of

refuses, gives, case = IAM.refuses, IAM.gives, IAM.case
GRAMMAR, VARIABLES = f"{GUIDE}reference_policies_grammar.html", f"{GUIDE}reference_policies_variables.html"
KEYS = f"{GUIDE}reference_policies_condition-keys.html"
INVALID = "MalformedPolicyDocument"


def document(*statements, **more) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)} | more)


def role_name(world) -> str:
    return world.role.rpartition("/")[2]


# --- conditions: operator, key, value, whether it is met ---
for operator, key, value, is_met in (
    ("StringLike", "aws:PrincipalAccount", "*", True),
    ("StringNotLike", "aws:RequestedRegion", "us-*", False),
    ("StringEqualsIgnoreCase", "aws:RequestedRegion", "US-EAST-1", True),
    ("StringNotEquals", "aws:RequestedRegion", "us-east-1", False),
    ("NotIpAddress", "aws:SourceIp", ["0.0.0.0/0", "::/0"], False),
    ("DateGreaterThan", "aws:CurrentTime", "2020-01-01T00:00:00Z", True),
    ("DateLessThan", "aws:EpochTime", "1000", False),
    ("DateLessThan", "aws:TokenIssueTime", "2020-01-01T00:00:00Z", False),
    ("Null", "aws:TokenIssueTime", "true", False),
    ("Null", "aws:SourceVpc", "true", True),
    ("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:role/faceblur-*", True),
    ("ArnEquals", "aws:PrincipalArn", "arn:aws:iam::123456789012:role/none", False),
    ("StringLike", "aws:UserAgent", "*Boto3*", True),
    ("StringLike", "aws:userid", "*:conformance", True),
    ("Bool", "aws:ViaAWSService", "false", True),
    ("StringEquals", "aws:PrincipalType", "AssumedRole", True),
    ("StringEquals", "s3:authType", "REST-HEADER", True),
    ("StringEquals", "s3:signatureversion", "AWS4-HMAC-SHA256", True),
    ("BoolIfExists", "aws:MultiFactorAuthPresent", "true", False),
    ("ForAllValues:StringEquals", "aws:TagKeys", ["a"], True),
    ("ForAnyValue:StringEquals", "aws:TagKeys", ["a"], False),
    ("StringEquals", "aws:NothingOfThisName", "x", False),
):
    keys = ["a"]
    which = "met" if is_met else "not met"
    may(f"{operator} of {key} is {which}", CONDITIONS if key.startswith("aws:P") else KEYS,
        [allow("s3:*", Condition={operator: {key: value}})], keys if is_met else [], [] if is_met else keys)  # fmt: skip
may("a denial by a condition", LOGIC, [allow("s3:*"), deny("s3:GetObject", Condition={
    "ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/faceblur-*"}})], [], ["a"])  # fmt: skip

# --- forms ---
for name, text in {
    "an operator that is none": document(allow("s3:*", Condition={"StringSame": {"a": "b"}})),
    "a version that is none": document(allow("s3:*"), Version="2020-01-01"),
    "an element that is none": document(allow("s3:*") | {"Colour": "blue"}),
    "actions and not actions": document(allow("s3:*") | {"NotAction": "s3:*"}),
    "resources and not resources": document(allow("s3:*") | {"NotResource": "*"}),
    "one name for two statements": document(allow("s3:*") | {"Sid": "a"}, allow("s3:*") | {"Sid": "a"}),
    "a name with a space": document(allow("s3:*") | {"Sid": "a b"}),
    "an address that is none": document(allow("s3:*", Condition={"IpAddress": {"aws:SourceIp": "300.1.1.1/8"}})),
    "no statements": document(),
}.items():
    refuses(f"a policy: {name}", GRAMMAR, "iam.put_role_policy", INVALID, RoleName=role_name, PolicyName="bad",
            PolicyDocument=text)  # fmt: skip
refuses("a trust in a role that is not there", f"{GUIDE}reference_policies_elements_principal.html", "iam.create_role",
        INVALID, RoleName=lambda w: w.unique(), AssumeRolePolicyDocument=lambda w: document(
            {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{w.account}:role/none"}, "Action": "sts:AssumeRole"}))  # fmt: skip
QUOTAS = f"{GUIDE}reference_iam-quotas.html"
LARGE = document(allow("s3:GetObject", *(f"arn:aws:s3:::{'b' * 60}/{n}" for n in range(200))))
refuses("a role's policy of more than 10,240 letters", QUOTAS, "iam.put_role_policy", "LimitExceeded", RoleName=role_name,
        PolicyName="large", PolicyDocument=LARGE)  # fmt: skip
refuses("a managed policy of more than 6,144 letters", QUOTAS, "iam.create_policy", "LimitExceeded",
        PolicyName=lambda w: w.unique(), PolicyDocument=LARGE)  # fmt: skip
refuses("a bucket's policy for a role that is not there", f"{GUIDE}reference_policies_elements_principal.html",
        "s3.put_bucket_policy", "MalformedPolicy", Bucket="@bucket", Policy=lambda w: document({
            "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{w.account}:role/none"}, "Action": "s3:GetObject",
            "Resource": f"arn:aws:s3:::{w.bucket}/*"}))  # fmt: skip


# --- variables and tags ---
def trusting(world, *statements) -> str:
    """The ARN of a role that the account may take."""
    trust = {"Effect": "Allow", "Principal": {"AWS": world.account}, "Action": "sts:AssumeRole"}
    return world.new_role("", *statements, trust=trust)


def session(world, arn: str, service: str = "s3", **more):
    found = world.sts.assume_role(RoleArn=arn, RoleSessionName="conformance", **more)["Credentials"]
    keys = {"aws_access_key_id": found["AccessKeyId"], "aws_secret_access_key": found["SecretAccessKey"]}
    return world.client(service, **keys, aws_session_token=found["SessionToken"])


@case("a user's name in a policy", VARIABLES)
def _(world):
    name = world.unique()
    world.iam.create_user(UserName=name)
    world.afterwards(world.iam.delete_user, UserName=name)
    own = f"arn:aws:s3:::{world.bucket}/home/${{aws:username}}/*"
    world.iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=document(allow("s3:PutObject", own)))
    world.afterwards(world.iam.delete_user_policy, UserName=name, PolicyName="p")
    key = world.iam.create_access_key(UserName=name)["AccessKey"]
    world.afterwards(world.iam.delete_access_key, UserName=name, AccessKeyId=key["AccessKeyId"])
    keys = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    client = world.client("s3", **keys, aws_session_token=None)
    assert error_of(client.put_object, Bucket=world.bucket, Key=f"home/{name}/a") == ""
    assert error_of(client.put_object, Bucket=world.bucket, Key="home/other/a") == "AccessDenied"


@case("a role's tag in a policy, and what stands for none", VARIABLES)
def _(world):
    tagged = f"arn:aws:s3:::{world.bucket}/${{aws:PrincipalTag/team, 'nobody'}}/*"
    arn = trusting(world, allow("s3:PutObject", tagged))
    client, at = session(world, arn), {"Bucket": world.bucket}
    assert error_of(client.put_object, **at, Key="nobody/a") == ""
    world.iam.tag_role(RoleName=arn.rpartition("/")[2], Tags=[{"Key": "team", "Value": "red"}])
    client = session(world, arn)
    assert error_of(client.put_object, **at, Key="red/a") == ""
    assert error_of(client.put_object, **at, Key="nobody/a") == "AccessDenied"


@case("a role's tag as a condition", f"{GUIDE}access_iam-tags.html")
def _(world):
    arn = trusting(world, allow("s3:ListBucket", Condition={"StringEquals": {"aws:PrincipalTag/team": "red"}}))
    assert error_of(session(world, arn).list_objects_v2, Bucket=world.bucket) == "AccessDenied"
    world.iam.tag_role(RoleName=arn.rpartition("/")[2], Tags=[{"Key": "team", "Value": "red"}])
    assert error_of(session(world, arn).list_objects_v2, Bucket=world.bucket) == ""


@case("a function's tag as a condition", f"{GUIDE}access_tags.html")
def _(world):
    name = world.new_function("def handler(event, context): pass", Tags={"team": "red"})
    for team, expected in (("red", ""), ("blue", "AccessDeniedException")):
        condition = {"StringEquals": {"aws:ResourceTag/team": team}}
        client = world.as_role(allow("lambda:InvokeFunction", Condition=condition))("lambda")
        assert error_of(client.invoke, FunctionName=name) == expected


@case("an object's tag as a condition", "AmazonS3/latest/userguide/tagging-and-policies.html")
def _(world):
    for team in ("red", "blue"):
        world.s3.put_object(Bucket=world.bucket, Key=team, Tagging=f"team={team}")
    condition = {"StringEquals": {"s3:ExistingObjectTag/team": "red"}}
    client = world.as_role(allow("s3:GetObject", Condition=condition))("s3")
    assert error_of(client.get_object, Bucket=world.bucket, Key="red") == ""
    assert error_of(client.get_object, Bucket=world.bucket, Key="blue") == "AccessDenied"


# --- sessions ---
ASSUME = f"{STS}AssumeRole.html"


@case("a session longer than the role has, and one taken from another", ASSUME)
def _(world):
    arn = trusting(world, allow("sts:AssumeRole"))
    given = {"RoleArn": arn, "RoleSessionName": "long"}
    assert error_of(world.sts.assume_role, **given, DurationSeconds=7200) == "ValidationError"
    chained = session(world, arn, "sts")
    assert error_of(chained.assume_role, **given, DurationSeconds=3601) == "ValidationError"
    assert chained.get_caller_identity()["Arn"].endswith("/conformance")


@case("an external id", f"{GUIDE}id_roles_common-scenarios_third-party.html")
def _(world):
    condition = {"StringEquals": {"sts:ExternalId": "42"}}
    trust = {"Effect": "Allow", "Principal": {"AWS": world.account}, "Action": "sts:AssumeRole"}
    given = {"RoleArn": world.new_role("", trust=trust | {"Condition": condition}), "RoleSessionName": "xx"}
    assert error_of(world.sts.assume_role, **given) == "AccessDenied"
    assert error_of(world.sts.assume_role, **given, ExternalId="42") == ""


@case("tags of a session need a right", f"{GUIDE}id_session-tags.html")
def _(world):
    given = {"RoleArn": trusting(world), "RoleSessionName": "xx", "Tags": [{"Key": "a", "Value": "b"}]}
    assert error_of(world.sts.assume_role, **given) == "AccessDenied"


@case("a managed policy takes away from a session", ASSUME)
def _(world):
    read = [{"arn": "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"}]
    client = session(world, trusting(world, allow("s3:*")), PolicyArns=read)
    assert error_of(client.get_object, Bucket=world.bucket, Key="key") == ""
    assert error_of(client.put_object, Bucket=world.bucket, Key="no") == "AccessDenied"


# --- managed policies, users, simulations ---
@case("versions of a managed policy", f"{GUIDE}access_policies_managed-versioning.html")
def _(world):
    text = document(allow("s3:GetObject"))
    arn = world.iam.create_policy(PolicyName=world.unique(), PolicyDocument=text)["Policy"]["Arn"]
    role, at = trusting(world, allow("s3:GetObject")), {"PolicyArn": arn}
    attached = {"RoleName": role.rpartition("/")[2], "PolicyArn": arn}
    world.iam.attach_role_policy(**attached)
    client = session(world, role)
    look = lambda: error_of(client.get_object, Bucket=world.bucket, Key="key")  # noqa: E731
    denying = document(deny("s3:GetObject"))
    world.iam.create_policy_version(**at, PolicyDocument=denying, SetAsDefault=True)
    assert world.eventually(lambda: look() == "AccessDenied")
    world.iam.set_default_policy_version(**at, VersionId="v1")
    assert world.eventually(lambda: look() == "")
    assert error_of(world.iam.delete_policy_version, **at, VersionId="v1") == "DeleteConflict"
    for _ in range(3):
        world.iam.create_policy_version(**at, PolicyDocument=text)
    assert error_of(world.iam.create_policy_version, **at, PolicyDocument=text) == "LimitExceeded"
    world.iam.detach_role_policy(**attached)
    assert error_of(world.iam.delete_policy, **at) == "DeleteConflict"
    for number in range(2, 6):
        world.iam.delete_policy_version(**at, VersionId=f"v{number}")
    world.iam.delete_policy(**at)


@case("two keys for a user, and a group's rights", f"{GUIDE}id_groups.html")
def _(world):
    name = {"UserName": world.unique()}
    group = {"GroupName": name["UserName"]}
    world.iam.create_user(**name)
    world.iam.create_group(**group)
    world.iam.add_user_to_group(**name, **group)
    policy = document(allow("s3:GetObject"))
    world.iam.put_group_policy(**group, PolicyName="p", PolicyDocument=policy)
    keys = [world.iam.create_access_key(**name)["AccessKey"] for _ in range(2)]
    assert error_of(world.iam.create_access_key, **name) == "LimitExceeded"
    ids = {"aws_access_key_id": keys[0]["AccessKeyId"], "aws_secret_access_key": keys[0]["SecretAccessKey"]}
    client = world.client("s3", **ids, aws_session_token=None)
    assert world.eventually(lambda: error_of(client.get_object, Bucket=world.bucket, Key="key") == "")
    assert error_of(world.iam.delete_group, **group) == "DeleteConflict"
    for key in keys:
        world.iam.delete_access_key(**name, AccessKeyId=key["AccessKeyId"])
    world.iam.remove_user_from_group(**name, **group)
    world.iam.delete_group_policy(**group, PolicyName="p")
    world.iam.delete_group(**group)
    world.iam.delete_user(**name)


@case("a simulation with a key that is given", f"{API}SimulatePrincipalPolicy.html")
def _(world):
    condition = {"StringEquals": {"aws:PrincipalTag/team": "red"}}
    arn = world.new_role("lambda.amazonaws.com", allow("s3:GetObject", Condition=condition), deny("s3:DeleteObject"))
    key = {"ContextKeyName": "aws:PrincipalTag/team", "ContextKeyValues": ["red"], "ContextKeyType": "string"}
    given = {"PolicySourceArn": arn, "ActionNames": ["s3:GetObject", "s3:DeleteObject", "s3:PutObject"]}
    simulate = world.iam.simulate_principal_policy
    look = lambda **more: [one["EvalDecision"] for one in simulate(**given, **more)["EvaluationResults"]]  # noqa: E731
    assert look() == ["implicitDeny", "explicitDeny", "implicitDeny"]
    assert look(ContextEntries=[key]) == ["allowed", "explicitDeny", "implicitDeny"]
    assert error_of(simulate, PolicySourceArn=f"{arn}-none", ActionNames=["s3:GetObject"]) == "NoSuchEntity"


@case("roles by pages", f"{API}ListRoles.html", lacks="all of them come at once, whatever MaxItems says")
def _(world):
    assert world.role and world.states_role
    page = world.iam.list_roles(MaxItems=1)
    assert (page["IsTruncated"], len(page["Roles"])) == (True, 1)
