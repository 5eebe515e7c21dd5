"""The official Python SDK hearing and reading of what happens to runners: the story of events.test.ts."""

from telling import NOBODY, error_of, everything, got, plain, requested, run, tell


async def next_of(stream):
    return plain(await stream.__anext__() if hasattr(stream, "__anext__") else next(stream))


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
    entries = [plain(entry) for entry in await everything(client.events.list(page_size=2))]
    tell("listed", entries=entries, queries=[request.url.query.decode() for request in requested])

    requested.clear()
    filters = [{"resource_type": "RESOURCE_TYPE_RUNNER"}]
    outcome = await error_of(lambda: client.events.watch(environment_id=NOBODY, resource_type_filters=filters))
    tell("refused", outcome=outcome, calls=len(requested))


run(story)
