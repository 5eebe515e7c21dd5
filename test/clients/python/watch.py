"""The official Python SDK, as it comes from PyPI, hearing and reading of what happens to runners.

Run by python-sdk-events.test.ts as `watch.py Gitpod|AsyncGitpod BASE_URL`: one story for both clients. After each
step it prints a line of JSON with what it saw and waits for a line on its standard input, so that the test can move
the mock's time in between.
"""

import asyncio
import inspect
import json
import sys

import gitpod

NOBODY = "d2c94c27-3b76-4a42-b88c-95a85e392c68"

requested = []


def open_client(name, base_url):
    """A client with the SDK's own defaults, which notes what it requests."""
    options = {"base_url": base_url, "bearer_token": "My Bearer Token"}
    if name == "Gitpod":

        def note(request):
            requested.append(request)

        http_client = gitpod.DefaultHttpxClient(event_hooks={"request": [note]})
        return gitpod.Gitpod(**options, http_client=http_client)

    async def note_async(request):
        requested.append(request)

    http_client = gitpod.DefaultAsyncHttpxClient(event_hooks={"request": [note_async]})
    return gitpod.AsyncGitpod(**options, http_client=http_client)


async def got(reply):
    return await reply if inspect.isawaitable(reply) else reply


async def next_of(stream):
    event = await stream.__anext__() if hasattr(stream, "__anext__") else next(stream)
    return event.to_dict(mode="json")


async def everything(pages):
    items = [item async for item in pages] if hasattr(pages, "__aiter__") else list(pages)
    return [item.to_dict(mode="json") for item in items]


def tell(step, **seen):
    print(json.dumps({"step": step, **seen}), flush=True)
    sys.stdin.readline()


async def create(client, name):
    created = await got(client.runners.create(name=name, provider="RUNNER_PROVIDER_AWS_EC2"))
    return created.runner.runner_id


async def story(client):
    stream = await got(client.events.watch())
    tell("begun")

    runner_id = await create(client, "Production Runner")
    await got(client.runners.update(runner_id=runner_id, name="Another Name"))
    tell("about to lapse", runner=runner_id)
    another = await create(client, "Another Runner")
    await got(client.runners.delete(runner_id=another))
    # The SDK reads 64 bytes at a time: it has the end of a line only when something comes after it.
    last = await create(client, "Last Runner")
    events = [await next_of(stream) for _ in range(5)]
    tell("heard", another=another, last=last, events=events)
    await got(stream.close())

    requested.clear()
    entries = await everything(client.events.list(page_size=2))
    tell("listed", entries=entries, queries=[request.url.query.decode() for request in requested])

    requested.clear()
    filters = [{"resource_type": "RESOURCE_TYPE_RUNNER"}]
    try:
        stream = await got(client.events.watch(environment_id=NOBODY, resource_type_filters=filters))
        outcome = {"returned": repr(stream)}
    except gitpod.APIStatusError as error:
        outcome = {"class": type(error).__name__, "status": error.status_code, "code": error.body["code"]}
    tell("refused", outcome=outcome, calls=len(requested))


asyncio.run(story(open_client(*sys.argv[1:])))
