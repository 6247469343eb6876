"""What is run before there is a function."""


def handler(event, context):
    left = context.get_remaining_time_in_millis()
    return {"statusCode": 200, "headers": {"left": left}, "body": f"Hello, {event['name']}!"}


async def async_handler(event, context):
    print(context.aws_request_id)
    return handler(event, context)
