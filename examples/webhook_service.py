"""A web service that sends, is told by Routee what became of it, and takes a STOP for an answer.

routee sandbox                          # in another terminal; paste what it prints
export WEBHOOK_SECRET=$(python -c "from routee_async import webhook; print(webhook.new_secret())")
python examples/webhook_service.py      # then: curl -d '{"to": "+306970000001", "body": "Hello"}' http://127.0.0.1:8080/notify
                                        # and, with what that answers: curl http://127.0.0.1:8080/messages/<tracking_id>
"""

import os
from collections.abc import AsyncIterator

from aiohttp import web

from routee_async import (
    Callback,
    CallbackEvent,
    CallbackStrategy,
    RouteeClient,
    RouteeError,
    Sms,
    SuppressionList,
    Tracker,
    TrackingTimeoutError,
    webhook,
)

CLIENT = web.AppKey("client", RouteeClient)
TRACKER = web.AppKey("tracker", Tracker)
CALLBACK = web.AppKey("callback", Callback)
SUPPRESSED = web.AppKey("suppressed", SuppressionList)
HOOK = web.AppKey("hook", webhook.Webhook)


async def notify(request: web.Request) -> web.Response:
    """Send what the caller asks for, and follow it."""
    order = await request.json()
    sms = Sms(to=order["to"], sender_id="ParcelCo", body=order["body"], callback=request.app[CALLBACK])
    if sms.to in request.app[SUPPRESSED]:
        return web.json_response({"error": "has opted out"}, status=409)
    try:
        sent = await request.app[CLIENT].send(sms)
    except RouteeError as error:  # `web_service.py` shows how to tell one from another
        return web.json_response({"error": str(error), "safe_to_resend": error.safe_to_resend}, status=502)
    request.app[TRACKER].watch(sent)
    return web.json_response({"tracking_id": sent.tracking_id}, status=202)


async def look(request: web.Request) -> web.Response:
    """Say what became of a message; wait for it a few seconds."""
    try:
        report = await request.app[TRACKER].wait(request.match_info["tracking_id"], timeout=10)
    except TrackingTimeoutError as error:
        return web.json_response({"status": error.last_status, "final": False})
    return web.json_response({"status": report.status, "final": True})


async def following(app: web.Application) -> AsyncIterator[None]:
    """Open client and tracker with the service; at its end, let the tracker have what has been answered already."""
    async with RouteeClient.from_env() as client, client.tracker() as tracker:
        app[CLIENT], app[TRACKER] = client, tracker
        yield
        await app[HOOK].drain()


def build(public_url: str, secret: str) -> web.Application:
    """Build the service.

    Args:
        public_url: Origin under which Routee finds it.
        secret: What `webhook.new_secret()` made.
    """
    app = web.Application()

    def take(callback: CallbackEvent) -> None:
        app[TRACKER].feed(callback)
        app[SUPPRESSED].feed(callback)

    app[HOOK] = webhook.handler(take, secret=secret)
    app[SUPPRESSED] = SuppressionList()
    app[CALLBACK] = Callback(f"{public_url}/routee/{secret}", CallbackStrategy.ON_COMPLETION)
    app.router.add_post("/notify", notify)
    app.router.add_get("/messages/{tracking_id}", look)
    app.router.add_post("/routee/{secret}", app[HOOK])
    app.cleanup_ctx.append(following)
    return app


if __name__ == "__main__":
    service = build(os.environ.get("PUBLIC_URL", "http://127.0.0.1:8080"), os.environ["WEBHOOK_SECRET"])
    web.run_app(service, host="127.0.0.1", port=8080, access_log_format="%a %t %s %Tf")  # the usual one would log the secret
