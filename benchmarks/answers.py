"""What the servers of the benchmarks answer: constant, in the shape of the vendors' documentation.

That of Routee lacks `to` and `label`, which are not constant, and which a client compares with what it sent.
"""

import json
from collections.abc import Mapping

from benchmarks.clients.common import BODY, SENDER_ID

_ROUTEE_TOKEN = {"access_token": "invented", "token_type": "bearer", "expires_in": 3600, "scope": "sms"}
_ROUTEE_SENT = {
    "trackingId": "5b0a4c0e-7c54-4bb1-8a53-3d1c2e1f0a01",
    "status": "Queued",
    "createdAt": "2026-01-14T08:15:02.314Z",
    "from": SENDER_ID,
    "body": BODY,
    "bodyAnalysis": {"parts": 1, "unicode": False, "characters": len(BODY)},
    "flash": False,
}
_TWILIO_SENT = {
    "sid": "SM" + "0" * 32,
    "account_sid": "AC" + "0" * 32,
    "status": "queued",
    "from": "+15005550006",
    "to": "+306970000001",
    "body": BODY,
    "num_segments": "1",
    "num_media": "0",
    "direction": "outbound-api",
    "date_created": "Wed, 14 Jan 2026 08:15:02 +0000",
    "date_updated": "Wed, 14 Jan 2026 08:15:02 +0000",
    "date_sent": None,
    "price": None,
    "price_unit": "USD",
    "error_code": None,
    "error_message": None,
}
_TELNYX_SENT = {
    "data": {
        "id": "40385f64-5717-4562-b3fc-2c963f66afa6",
        "record_type": "message",
        "direction": "outbound",
        "type": "SMS",
        "from": {"phone_number": SENDER_ID, "carrier": "", "line_type": ""},
        "to": [{"phone_number": "+306970000001", "status": "queued", "carrier": "", "line_type": ""}],
        "text": BODY,
        "parts": 1,
        "encoding": "GSM-7",
        "errors": [],
    },
}
_VONAGE_SENT = {
    "message-count": "1",
    "messages": [
        {
            "to": "306970000001",
            "message-id": "0A0000000123ABCD1",
            "status": "0",
            "remaining-balance": "3.14159265",
            "message-price": "0.03330000",
            "network": "20201",
        },
    ],
}
ANSWERS: Mapping[str, tuple[int, bytes]] = {
    path: (status, json.dumps(body, separators=(",", ":")).encode())
    for path, status, body in (
        ("/oauth/token", 200, _ROUTEE_TOKEN),
        ("/sms", 200, _ROUTEE_SENT),
        (f"/2010-04-01/Accounts/AC{'0' * 32}/Messages.json", 201, _TWILIO_SENT),
        ("/messages", 200, _TELNYX_SENT),
        ("/sms/json", 200, _VONAGE_SENT),
    )
}
"""Path of a POST to the status and the body of its answer."""
