"""A web service that sends an SMS inside a request handler: one client for the life of the service.

routee sandbox                     # in another terminal; paste what it prints
python examples/web_service.py     # then: curl -d '{"to": "+306970000001", "body": "Hello"}' http://127.0.0.1:8080/notify
"""

from collections.abc import AsyncIterator

from aiohttp import web

from routee_async import InvalidInputError, NotSentError, OutcomeUnknownError, RouteeClient, RouteeError, Sms

CLIENT = web.AppKey("client", RouteeClient)


async def notify(request: web.Request) -> web.Response:
    """Send what the caller asks for, and say what became of it in the terms of HTTP."""
    order = await request.json()
    sms = Sms(to=order.get("to", ""), sender_id="ParcelCo", body=order.get("body", ""))
    try:
        sent = await request.app[CLIENT].send(sms)
    except InvalidInputError as error:
        return web.json_response({"error": str(error)}, status=422)
    except NotSentError as error:  # nothing left this machine: the caller may ask again at any time
        return web.json_response({"error": str(error)}, status=503)
    except OutcomeUnknownError as error:  # it may have been sent: asking again could send it twice
        return web.json_response({"error": str(error), "safe_to_resend": False}, status=504)
    except RouteeError as error:
        return web.json_response({"error": str(error)}, status=502)
    return web.json_response({"tracking_id": sent.tracking_id, "parts": sent.body_analysis.parts}, status=202)


async def with_client(app: web.Application) -> AsyncIterator[None]:
    """Open the client with the service, and let sends in flight finish when it ends."""
    async with RouteeClient.from_env() as client:
        app[CLIENT] = client
        yield


def build() -> web.Application:
    """Build the service."""
    app = web.Application()
    app.cleanup_ctx.append(with_client)
    app.router.add_post("/notify", notify)
    return app


if __name__ == "__main__":
    web.run_app(build(), host="127.0.0.1", port=8080)
