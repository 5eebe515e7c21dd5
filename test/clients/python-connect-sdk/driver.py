"""The official Python SDK from version 1 on, driven: `driver.py BASE_URL BEARER`."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent / "python-sdk"))

from connectrpc.errors import ConnectError
from driving import Watch, done, drive, snake_case
from google.protobuf.descriptor_pool import Default
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.message_factory import GetMessageClass
from ona_sdk import create_client


class Session:
    def __init__(self, base_url, bearer):
        self._base_url = base_url
        self._bearer = bearer
        self._clients = {}

    def _client(self, bearer):
        if bearer not in self._clients:
            self._clients[bearer] = create_client(api_key=bearer, base_url=self._base_url)
        return self._clients[bearer]

    def _made(self, rpc, request, bearer):
        """The SDK's function for the RPC, and the message that it takes."""
        service, name = rpc.split("/")
        client = getattr(self._client(bearer).services, snake_case(service.removesuffix("Service")))
        method = Default().FindServiceByName(f"gitpod.v1.{service}").methods_by_name[name]
        return getattr(client, snake_case(name)), ParseDict(request, GetMessageClass(method.input_type)())

    async def call(self, rpc, request, bearer):
        function, message = self._made(rpc, request, bearer)
        try:
            return {"reply": MessageToDict(await done(lambda: function(message)))}
        except ConnectError as error:
            return {"error": {"code": error.code.value, "message": error.message}}

    async def watch(self, request):
        function, message = self._made("EventService/WatchEvents", request, self._bearer)
        stream = function(message)
        return Watch((MessageToDict(event) for event in stream), stream.close)


drive(Session(*sys.argv[1:]))
