"""Who is told by mail of what is published on a topic."""

from __future__ import annotations

from ..session import Workshop


def tell_by_mail(ws: Workshop, topic_arn: str) -> None:
    """Subscribe the address that is demanded, once; nobody where none is. AWS asks it first whether it wants that."""
    address, sns = ws.demands.mail, ws.client("sns")
    if not address:
        return
    pages = sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic_arn)
    known = {(each["Protocol"], each["Endpoint"]) for page in pages for each in page["Subscriptions"]}
    if ("email", address) not in known:
        sns.subscribe(TopicArn=topic_arn, Protocol="email", Endpoint=address)
        print(f"AWS writes to {address}: nothing else is sent until the link in that mail is opened")
