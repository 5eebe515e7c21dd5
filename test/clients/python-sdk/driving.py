"""How a program that drives a Python SDK is told what to do: driver.ts has the other end.

A command is a line of JSON; it is answered when it is done, so that a watch that waits keeps no call from being made.
"""

import asyncio
import inspect
import json
import os
import re
import sys

_capital = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def snake_case(name):
    return _capital.sub("_", name).lower()


async def done(call):
    """The result of a call that may block, or be awaited."""
    result = await asyncio.to_thread(call)
    return await result if inspect.isawaitable(result) else result


class Watch:
    """Reads a stream as far as it is asked to: nobody can leave one that still reads.

    Its first message is asked for at once, since some streams begin by that.
    """

    def __init__(self, messages, leave):
        self._messages = messages
        self._first = asyncio.create_task(asyncio.to_thread(next, messages))
        self.leave = leave

    async def next(self, count):
        heard = [] if self._first is None else [await self._first]
        self._first = None
        while len(heard) < count:
            heard.append(await asyncio.to_thread(next, self._messages))
        return heard


async def _answer(session, watches, command):
    match command["do"]:
        case "call":
            return await session.call(command["rpc"], command["request"], command["bearer"])
        case "list":
            return await session.list(command["rpc"], command["request"])
        case "watch":
            watches[command["id"]] = await session.watch(command["request"])
            return {"watch": command["id"]}
        case "next":
            return await watches[command["watch"]].next(command["count"])
        case "leave":
            left = watches[command["watch"]].leave()
            if inspect.isawaitable(left):
                await left
            return {}


async def _drive(session):
    watches = {}
    running = set()

    async def run(command):
        answer = await _answer(session, watches, command)
        print(json.dumps({"id": command["id"], "answer": answer}), flush=True)

    def finished(task):
        running.discard(task)
        if not task.cancelled() and task.exception():
            print(repr(task.exception()), file=sys.stderr, flush=True)
            # Any other way out waits for the thread that reads stdin.
            os._exit(1)

    while line := await asyncio.to_thread(sys.stdin.readline):
        task = asyncio.create_task(run(json.loads(line)))
        running.add(task)
        task.add_done_callback(finished)


def drive(session):
    asyncio.run(_drive(session))
