"""The official Python SDK through the life of a runner: the story of runners.test.ts."""

from telling import NOBODY, error_of, everything, got, plain, requested, run, tell

PRODUCTION_RUNNER = {
    "name": "Production Runner",
    "provider": "RUNNER_PROVIDER_AWS_EC2",
    "spec": {
        "desired_phase": "RUNNER_PHASE_ACTIVE",
        "configuration": {
            "region": "us-west",
            "release_channel": "RUNNER_RELEASE_CHANNEL_STABLE",
            "auto_update": True,
        },
    },
}


def sent():
    """The paths and queries of what was requested since the last time."""
    targets = [request.url.raw_path.decode() for request in requested]
    requested.clear()
    return targets


async def come_up(client):
    created = await got(client.runners.create(**PRODUCTION_RUNNER))
    exchanged = await got(client.identity.exchange_token(exchange_token=created.exchange_token))
    return created.runner.runner_id, client.with_options(bearer_token=exchanged.access_token)


async def story(client):
    created = await got(client.runners.create(**PRODUCTION_RUNNER))
    runner_id = created.runner.runner_id
    user = await got(client.identity.get_authenticated_identity())
    tell("created", reply=plain(created), user=plain(user))

    async def phase():
        return (await got(client.runners.retrieve(runner_id=runner_id))).runner.status.phase

    exchanged = await got(client.identity.exchange_token(exchange_token=created.exchange_token))
    tell("exchanged", phase=await phase())

    runner = client.with_options(bearer_token=exchanged.access_token)
    identity = await got(runner.identity.get_authenticated_identity())
    tell("renewed", identity=plain(identity))
    tell("still there", phase=await phase())

    tell("lapsed", error=await error_of(lambda: client.runners.retrieve(runner_id=runner_id)))
    await got(runner.identity.get_authenticated_identity())
    tell("revived", phase=await phase())

    created_ids = [runner_id]
    for index in range(9):
        provider = "RUNNER_PROVIDER_LINUX_HOST" if index % 2 else "RUNNER_PROVIDER_AWS_EC2"
        another = await got(client.runners.create(name=f"Runner {index}", provider=provider))
        created_ids.append(another.runner.runner_id)
    for size in ({"pagination": {"page_size": 4}}, {"page_size": 4}):
        sent()
        listed = await everything(client.runners.list(**size))
        tell("listed", created=created_ids, listed=[runner.runner_id for runner in listed], sent=sent())
    local = {"providers": ["RUNNER_PROVIDER_LINUX_HOST"]}
    names = [runner.name for runner in await everything(client.runners.list(filter=local, page_size=2))]
    tell("filtered", names=names, sent=sent())

    _, other = await come_up(client)
    reply = await got(client.runners.delete(runner_id=runner_id))
    calls = {
        "deleted runner": lambda: client.runners.retrieve(runner_id=runner_id),
        "its token": lambda: runner.identity.get_authenticated_identity(),
        "another's runner": lambda: other.runners.retrieve(runner_id=NOBODY),
        "short name": lambda: client.runners.create(name="ab", provider="RUNNER_PROVIDER_AWS_EC2"),
    }
    sent()
    errors = {title: await error_of(call) for title, call in calls.items()}
    tell("deleted", reply=reply, errors=errors, sent=sent())


run(story)
