"""The official Python SDK 0.x, driven: `driver.py Gitpod|AsyncGitpod BASE_URL BEARER`."""

import asyncio
import sys

import gitpod

from driving import Watch, done, drive, snake_case

# The SDK's own names, where they are not the schema's.
NAMES = {
    "CreateRunner": "create",
    "GetRunner": "retrieve",
    "ListRunners": "list",
    "UpdateRunner": "update",
    "DeleteRunner": "delete",
    "CreateRunnerLogsToken": "create_logs_token",
    "CreateRunnerPolicy": "create",
    "UpdateRunnerPolicy": "update",
    "ListRunnerPolicies": "list",
    "DeleteRunnerPolicy": "delete",
    "ListAuditLogs": "list",
    "ListGateways": "list",
}


# What is configured on runners, by what the schema calls one of it.
CONFIGURED = {
    "EnvironmentClass": "environment_classes",
    "SCMIntegration": "scm_integrations",
    "HostAuthenticationToken": "host_authentication_tokens",
}
VERBS = {"Create": "create", "Get": "retrieve", "List": "list", "Update": "update", "Delete": "delete"}


def configuration_method_of(configurations, name):
    if name == "ValidateRunnerConfiguration":
        return configurations.validate
    if name == "GetRunnerConfigurationSchema":
        return configurations.schema.retrieve
    verb = next(verb for verb in VERBS if name.startswith(verb))
    resource = next(CONFIGURED[one] for one in CONFIGURED if name.startswith(verb + one))
    return getattr(getattr(configurations, resource), VERBS[verb])


def method_of(client, rpc):
    service, name = rpc.split("/")
    if service == "RunnerConfigurationService":
        return configuration_method_of(client.runners.configurations, name)
    resource = getattr(client, {"IdentityService": "identity"}.get(service, service.removesuffix("Service").lower() + "s"))
    if name in ("CreateRunnerPolicy", "UpdateRunnerPolicy", "ListRunnerPolicies", "DeleteRunnerPolicy"):
        resource = resource.policies
    return getattr(resource, NAMES.get(name, snake_case(name)))


def arguments(request):
    return {snake_case(name): value for name, value in request.items()}


def plain(model):
    return model.to_dict(mode="json") if hasattr(model, "to_dict") else model


class Session:
    def __init__(self, kind, base_url, bearer):
        self._client = getattr(gitpod, kind)(base_url=base_url, bearer_token=bearer)
        self._bearer = bearer

    def _method(self, rpc, bearer):
        client = self._client if bearer == self._bearer else self._client.with_options(bearer_token=bearer)
        return method_of(client, rpc)

    async def call(self, rpc, request, bearer):
        try:
            return {"reply": plain(await self._called(self._method(rpc, bearer), request))}
        except gitpod.APIStatusError as error:
            return {"error": {"code": error.body["code"], "message": error.body["message"]}}

    async def _called(self, method, request):
        # What the asynchronous client returns has to be awaited where it was made.
        if isinstance(self._client, gitpod.AsyncGitpod):
            return await method(**arguments(request))
        return await done(lambda: method(**arguments(request)))

    async def list(self, rpc, request):
        pages = self._method(rpc, self._bearer)(**arguments(request))
        if hasattr(pages, "__aiter__"):
            return [plain(item) async for item in pages]
        return await done(lambda: [plain(item) for item in pages])

    async def watch(self, request):
        stream = await self._called(self._client.events.watch, request)
        if hasattr(stream, "__aiter__"):
            return AsyncWatch(stream)
        return Watch((plain(event) for event in stream), stream.close)


class AsyncWatch:
    def __init__(self, stream):
        self._stream = stream
        self._heard = asyncio.Queue()
        self._reader = asyncio.create_task(self._read())

    async def _read(self):
        async for event in self._stream:
            await self._heard.put(plain(event))

    async def next(self, count):
        return [await self._heard.get() for _ in range(count)]

    async def leave(self):
        self._reader.cancel()
        await self._stream.close()


drive(Session(*sys.argv[1:]))
