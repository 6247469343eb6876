"""The function that the zygote runs before it serves."""


async def handler(event, context):
    print(context.aws_request_id, context.get_remaining_time_in_millis())
    return {"statusCode": 200, "headers": {"content-type": "text/plain"}, "body": f"Hello, {event['name']}!"}
