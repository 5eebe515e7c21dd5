"""What the stories have in common: the official Python SDK as it comes from PyPI, and a way to tell what it sees.

A story is run as `STORY.py Gitpod|AsyncGitpod BASE_URL` and is the same for both clients. After each step it prints a
line of JSON and waits for a line on its standard input, so that the test can move the mock's time in between.
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


async def everything(pages):
    return [item async for item in pages] if hasattr(pages, "__aiter__") else list(pages)


async def error_of(call):
    try:
        return {"returned": repr(await got(call()))}
    except gitpod.APIStatusError as error:
        return {"class": type(error).__name__, "status": error.status_code, "code": error.body["code"]}


def plain(model):
    return model.to_dict(mode="json")


def tell(step, **seen):
    print(json.dumps({"step": step, **seen}), flush=True)
    sys.stdin.readline()


def run(story):
    asyncio.run(story(open_client(*sys.argv[1:])))
