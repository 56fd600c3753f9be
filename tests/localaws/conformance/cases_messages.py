"""Amazon SNS and SQS, more closely: filters, raw delivery, orders, dead letters, times, limits."""

import hashlib
import json
import time

from cases_rest import MESSAGES, SNS, SQS
from world import error_of

refuses, gives, case = MESSAGES.refuses, MESSAGES.gives, MESSAGES.case
GUIDE, TOPICS = "AWSSimpleQueueService/latest/SQSDeveloperGuide/", "sns/latest/dg/"
FILTERS, FIFO = f"{TOPICS}sns-subscription-filter-policies.html", f"{GUIDE}FIFO-queues.html"
INVALID = "InvalidParameterValue"


def queue(world, topic: str = "", **attributes) -> tuple[str, str]:
    """(url, arn) of a queue of this case, into which a topic may write."""
    name = world.unique() + (".fifo" if "FifoQueue" in attributes else "")
    url = world.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    world.afterwards(world.sqs.delete_queue, QueueUrl=url)
    arn = world.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    if topic:
        may = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage",
               "Resource": arn, "Condition": {"ArnEquals": {"aws:SourceArn": topic}}}  # fmt: skip
        policy = json.dumps({"Version": "2012-10-17", "Statement": [may]})
        world.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    return url, arn


def topic(world, **attributes) -> str:
    name = world.unique() + (".fifo" if "FifoTopic" in attributes else "")
    arn = world.sns.create_topic(Name=name, Attributes=attributes)["TopicArn"]
    world.afterwards(world.sns.delete_topic, TopicArn=arn)
    return arn


def received(world, url: str, seconds: int = 1, **more) -> list[dict]:
    found = world.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=seconds, MaxNumberOfMessages=10, **more)
    return found.get("Messages", [])


# --- filters ---
def passes(name: str, policy: dict, attributes: dict, is_through: bool) -> None:
    def check(world):
        arn = topic(world)
        url, end = queue(world, arn)
        given = {"FilterPolicy": json.dumps(policy)}
        world.sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=end, Attributes=given)
        attrs = {key: {"DataType": kind, "StringValue": value} for key, (kind, value) in attributes.items()}
        world.sns.publish(TopicArn=arn, Message="m", MessageAttributes=attrs)
        assert bool(received(world, url, 2 if is_through else 0)) == is_through

    MESSAGES.add(f"a filter: {name}", FILTERS, check)


passes("a value", {"k": ["a", "b"]}, {"k": ("String", "b")}, True)
passes("another value", {"k": ["a"]}, {"k": ("String", "b")}, False)
passes("a beginning", {"k": [{"prefix": "ab"}]}, {"k": ("String", "abc")}, True)
passes("an end", {"k": [{"suffix": "z"}]}, {"k": ("String", "xyz")}, True)
passes("anything but", {"k": [{"anything-but": ["a"]}]}, {"k": ("String", "a")}, False)
passes("a number between", {"n": [{"numeric": [">=", 3, "<", 5]}]}, {"n": ("Number", "4")}, True)
passes("another number", {"n": [{"numeric": ["=", 3]}]}, {"n": ("Number", "4")}, False)
passes("one of a list", {"k": ["a"]}, {"k": ("String.Array", '["a", "z"]')}, True)
passes("capitals do not count", {"k": [{"equals-ignore-case": "A"}]}, {"k": ("String", "a")}, True)
passes("nothing of that name", {"k": [{"exists": False}]}, {"j": ("String", "x")}, True)
passes("two names", {"k": ["a"], "j": ["x"]}, {"k": ("String", "a")}, False)

for name, attributes in {
    "a filter that is no JSON": {"FilterPolicy": "{"},
    "a filter without a list": {"FilterPolicy": '{"a": "b"}'},
    "a setting that is none": {"Colour": "blue"},
}.items():
    refuses(name, f"{SNS}Subscribe.html", "sns.subscribe", "InvalidParameter", TopicArn="@topic", Protocol="sqs",
            Endpoint="@queue_arn", Attributes=attributes)  # fmt: skip


@case("a filter of the message's body", FILTERS)
def _(world):
    arn = topic(world)
    url, end = queue(world, arn)
    given = {"FilterPolicyScope": "MessageBody", "FilterPolicy": json.dumps({"a": {"b": ["x"]}})}
    world.sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=end, Attributes=given)
    for value in ("y", "x"):
        world.sns.publish(TopicArn=arn, Message=json.dumps({"a": {"b": value}}))
    (message,) = received(world, url, 2)
    assert json.loads(json.loads(message["Body"])["Message"]) == {"a": {"b": "x"}}


# --- delivery ---
@case("a message as it was sent, with its attributes", f"{TOPICS}sns-large-payload-raw-message-delivery.html")
def _(world):
    arn = topic(world)
    url, end = queue(world, arn)
    raw = {"RawMessageDelivery": "true"}
    world.sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=end, Attributes=raw)
    attributes = {"k": {"DataType": "String", "StringValue": "v"}}
    world.sns.publish(TopicArn=arn, Message="m", MessageAttributes=attributes)
    (message,) = received(world, url, 2, MessageAttributeNames=["All"])
    assert message["Body"] == "m" and message["MessageAttributes"]["k"]["StringValue"] == "v"


@case("a message of its own for each protocol", f"{SNS}Publish.html")
def _(world):
    arn = topic(world)
    url, end = queue(world, arn)
    world.sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=end, Attributes={"RawMessageDelivery": "true"})
    each = {"TopicArn": arn, "MessageStructure": "json"}
    world.sns.publish(**each, Message=json.dumps({"default": "d", "sqs": "for queues"}))
    assert received(world, url, 2)[0]["Body"] == "for queues"
    assert error_of(world.sns.publish, **each, Message='{"sqs": "x"}') == "InvalidParameter"


@case("a queue that does not let the topic in hears nothing", f"{TOPICS}subscribe-sqs-queue-to-sns-topic.html")
def _(world):
    arn, (url, end) = topic(world), queue(world)
    world.sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=end)
    world.sns.publish(TopicArn=arn, Message="m")
    assert not received(world, url)


@case("a function hears of a topic that it lets in", "lambda/latest/dg/with-sns.html")
def _(world):
    arn, (url, end) = topic(world), queue(world)
    role = world.new_role("lambda.amazonaws.com", {"Effect": "Allow", "Action": "sqs:*", "Resource": end})
    source = (
        f"import boto3\ndef handler(event, context):\n    boto3.client('sqs').send_message("
        f"QueueUrl={url!r}, MessageBody=event['Records'][0]['Sns']['Message'])"
    )
    name = world.new_function(source, Role=role)
    function = world.lambda_.get_function_configuration(FunctionName=name)["FunctionArn"]
    world.sns.subscribe(TopicArn=arn, Protocol="lambda", Endpoint=function)
    world.sns.publish(TopicArn=arn, Message="before")
    assert not received(world, url, 1)
    given = {"Action": "lambda:InvokeFunction", "Principal": "sns.amazonaws.com", "SourceArn": arn}
    world.lambda_.add_permission(FunctionName=name, StatementId="s", **given)
    world.sns.publish(TopicArn=arn, Message="after")
    assert world.eventually(lambda: received(world, url))[0]["Body"] == "after"


@case("a letter waits to be confirmed", f"{SNS}Subscribe.html")
def _(world):
    arn = topic(world)
    found = world.sns.subscribe(TopicArn=arn, Protocol="email", Endpoint="a@faceblur.example")["SubscriptionArn"]
    assert found == "pending confirmation"
    assert world.sns.get_topic_attributes(TopicArn=arn)["Attributes"]["SubscriptionsPending"] == "1"


refuses("no messages at once", f"{SNS}PublishBatch.html", "sns.publish_batch", "EmptyBatchRequest", TopicArn="@topic",
        PublishBatchRequestEntries=[])  # fmt: skip
refuses("one id twice", f"{SNS}PublishBatch.html", "sns.publish_batch", "BatchEntryIdsNotDistinct", TopicArn="@topic",
        PublishBatchRequestEntries=[{"Id": "a", "Message": "m"}] * 2)  # fmt: skip
refuses("a topic in order without a group", f"{TOPICS}fifo-message-grouping.html", "sns.publish", "InvalidParameter",
        TopicArn=lambda w: topic(w, FifoTopic="true"), Message="m")  # fmt: skip


@case("a topic in order, and each message once", f"{TOPICS}fifo-message-dedup.html")
def _(world):
    arn = topic(world, FifoTopic="true", ContentBasedDeduplication="true")
    url, end = queue(world, arn, FifoQueue="true")
    world.sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=end, Attributes={"RawMessageDelivery": "true"})
    for text in ("a", "a", "b"):
        world.sns.publish(TopicArn=arn, Message=text, MessageGroupId="g")
    time.sleep(0.2)
    assert [one["Body"] for one in received(world, url, 2)] == ["a", "b"]


# --- queues ---
for name, changes in {
    "a message delayed by more than 15 minutes": {"DelaySeconds": 901},
    "an attribute of a kind that is none": {"MessageAttributes": {"k": {"DataType": "Text", "StringValue": "v"}}},
    "an attribute without a value": {"MessageAttributes": {"k": {"DataType": "String", "StringValue": ""}}},
}.items():
    refuses(
        name,
        f"{SQS}SendMessage.html",
        "sqs.send_message",
        INVALID,
        **{"QueueUrl": "@queue", "MessageBody": "m"} | changes,
    )
refuses("a letter that is none", f"{SQS}SendMessage.html", "sqs.send_message", "InvalidMessageContents",
        QueueUrl="@queue", MessageBody="a\x00b")  # fmt: skip
refuses("a wait of more than 20 seconds", f"{SQS}ReceiveMessage.html", "sqs.receive_message", INVALID, QueueUrl="@queue",
        WaitTimeSeconds=21)  # fmt: skip
CREATE = f"{SQS}CreateQueue.html"
refuses("a queue's name with a space", CREATE, "sqs.create_queue", INVALID, QueueName="a b")
refuses("a queue in order without the ending", CREATE, "sqs.create_queue", INVALID, QueueName=lambda w: w.unique(),
        Attributes={"FifoQueue": "true"})  # fmt: skip
refuses("messages hidden for more than 12 hours", CREATE, "sqs.create_queue", "InvalidAttributeValue",
        QueueName=lambda w: w.unique(), Attributes={"VisibilityTimeout": "43201"})  # fmt: skip
refuses("a queue's setting that is none", CREATE, "sqs.create_queue", "InvalidAttributeName",
        QueueName=lambda w: w.unique(), Attributes={"Colour": "blue"})  # fmt: skip


@case("a message is seen again, counted, and deleted twice", f"{GUIDE}sqs-visibility-timeout.html")
def _(world):
    url, _ = queue(world)
    sent = world.sqs.send_message(QueueUrl=url, MessageBody="m")
    assert sent["MD5OfMessageBody"] == hashlib.md5(b"m").hexdigest()
    (first,) = received(world, url, 2)
    at = {"QueueUrl": url, "ReceiptHandle": first["ReceiptHandle"]}
    assert error_of(world.sqs.change_message_visibility, **at, VisibilityTimeout=43_201) == INVALID
    world.sqs.change_message_visibility(**at, VisibilityTimeout=0)
    (again,) = received(world, url, 2, AttributeNames=["ApproximateReceiveCount"])
    assert again["Attributes"]["ApproximateReceiveCount"] == "2"
    for _ in range(2):
        world.sqs.delete_message(QueueUrl=url, ReceiptHandle=again["ReceiptHandle"])


@case("what fails too often goes to another queue", f"{GUIDE}sqs-dead-letter-queues.html")
def _(world):
    dead, arn = queue(world)
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 2})
    url, _ = queue(world, VisibilityTimeout="0", RedrivePolicy=policy)
    world.sqs.send_message(QueueUrl=url, MessageBody="m")
    for _ in range(3):
        received(world, url)
    assert [one["Body"] for one in received(world, dead, 2)] == ["m"]
    assert world.sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"] == [url]


@case("a delayed message", f"{GUIDE}sqs-message-timers.html")
def _(world):
    url, _ = queue(world)
    world.sqs.send_message(QueueUrl=url, MessageBody="m", DelaySeconds=2)
    assert not received(world, url, 0) and received(world, url, 5)


@case("a queue in order, each message once, a group at a time", FIFO)
def _(world):
    url, _ = queue(world, FifoQueue="true")
    at = {"QueueUrl": url, "MessageGroupId": "g"}
    assert error_of(world.sqs.send_message, QueueUrl=url, MessageBody="m") == "MissingParameter"
    assert error_of(world.sqs.send_message, **at, MessageBody="m") == INVALID
    for text, number in (("a", "1"), ("b", "2"), ("again", "1")):
        world.sqs.send_message(**at, MessageBody=text, MessageDeduplicationId=number)
    (first,) = world.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=1)["Messages"]
    assert first["Body"] == "a" and not received(world, url, 0)
    world.sqs.delete_message(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"])
    assert [one["Body"] for one in received(world, url, 2)] == ["b"]
