"""A bare FastAPI answer under uvicorn as the webhook sets it up: what there is to pay before anything is judged.

python -m tests.bench.bare CERTIFICATE KEY ANSWER
"""

import asyncio
import socket
import ssl
import sys
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Request, Response


def application(answer: bytes) -> FastAPI:
    """Read a review and answer always the same."""
    bare = FastAPI(openapi_url=None)

    @bare.post("/validate")
    async def validate(request: Request) -> Response:
        await request.body()
        return Response(answer, media_type="application/json")

    return bare


def main() -> None:
    certificate, key, answer = map(Path, sys.argv[1:])
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    config = uvicorn.Config(
        application(answer.read_bytes()),
        loop="uvloop",
        http="httptools",
        ws="none",
        interface="asgi3",
        lifespan="off",
        ssl_context_factory=lambda _config, _default: tls,
        timeout_keep_alive=120,
        access_log=False,
        log_config=None,
        proxy_headers=False,
        server_header=False,
    )
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        asyncio.Runner(loop_factory=config.get_loop_factory()) as runner,
    ):
        print("listening on", "{}:{}".format(*listener.getsockname()), flush=True)
        runner.run(uvicorn.Server(config).serve([listener]))


if __name__ == "__main__":
    main()
