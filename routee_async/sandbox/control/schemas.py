"""The shapes of what the control API takes and gives, as JSON Schema."""

from typing import Any, Final

from routee_async.sandbox.control.switches import BY_NAME, SHARES
from routee_async.sandbox.effects import Body, Kind, Shape

Schema = dict[str, Any]

_TEXT: Final[Schema] = {"type": "string"}
_WHOLE: Final[Schema] = {"type": "integer", "minimum": 0}
_NUMBER: Final[Schema] = {"type": "number", "minimum": 0}
_FLAG: Final[Schema] = {"type": "boolean"}
_MOMENT: Final[Schema] = {"type": "string", "format": "date-time"}


def _maybe(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _list(schema: Schema) -> Schema:
    return {"type": "array", "items": schema}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(properties: Schema, *optional: str, closed: bool = False) -> Schema:
    required = [name for name in properties if name not in optional]
    return (
        {"type": "object", "properties": properties}
        | ({"required": required} if required else {})
        | ({"additionalProperties": False} if closed else {})
    )


def _page(name: str, schema: Schema) -> Schema:
    return _object({name: _list(schema), "total": _WHOLE, "page": _WHOLE, "size": _WHOLE}, "total", "page", "size")


_SUMMARY: Final[Schema] = {
    "tracking_id": _TEXT,
    "direction": {"enum": ["outbound", "inbound"]},
    "to": _TEXT,
    "sender_id": _TEXT,
    "body": _TEXT,
    "label": _maybe(_TEXT),
    "status": _TEXT,
    "detailed_status": _maybe(_TEXT),
    "created_at": _MOMENT,
    "parts": _WHOLE,
    "encoding": {"enum": ["GSM-7", "UCS-2"]},
    "characters": _WHOLE,
    "unsupported": _list(_TEXT),
    "campaign_tracking_id": _maybe(_TEXT),
}
_STATUS: Final[Schema] = _object(
    {"status": _TEXT, "at": _maybe(_MOMENT), "detailed_status": _maybe(_TEXT), "description": _maybe(_TEXT)}
)
_PART: Final[Schema] = _object(
    {"part": _WHOLE, "sms_id": _TEXT, "status": _TEXT, "final": _FLAG, "history": _list(_STATUS), "next": _maybe(_STATUS)}
)
_EFFECT: Final[Schema] = _object(
    {
        "kind": {"enum": [kind.value for kind in Kind]},
        "accepted": {**_FLAG, "description": "Carry the request out first. To be said for all but unsolicited and close after."},
        "status": {"type": "integer", "minimum": 300, "maximum": 599},
        "headers": {"type": "object", "additionalProperties": _TEXT},
        "form": {"enum": [form.value for form in Body]},
        "code": _TEXT,
        "shape": {"enum": [shape.value for shape in Shape]},
        "size": _WHOLE,
        "seconds": _NUMBER,
        "body": _TEXT,
    },
    *("accepted", "status", "headers", "form", "code", "shape", "size", "seconds", "body"),
    closed=True,
)
_FAULT_PROPERTIES: Final[Schema] = {
    "effect": _EFFECT,
    "method": _TEXT,
    "path": _TEXT,
    "prefix": {**_FLAG, "description": "Whatever begins with the path is meant, too."},
    "to": {**_TEXT, "description": "Recipient, with +."},
    "label": {**_TEXT, "description": "What the label, or what stands behind its first space, starts with: so a reference, too."},
    "skip": {**_WHOLE, "description": "Let so many pass first; the n-th request is skip n - 1, times 1."},
    "every": {"type": "integer", "minimum": 1, "description": "Of those that follow, strike the first of every so many."},
    "times": {"type": "integer", "minimum": 1, "description": "Strike at most so often."},
    "probability": {"type": "number", "minimum": 0, "maximum": 1},
}
_FAULT: Final[Schema] = _object(_FAULT_PROPERTIES, *(name for name in _FAULT_PROPERTIES if name != "effect"), closed=True)
_SEED_ROW: Final[Schema] = _object(
    {"to": _TEXT, "sender_id": _TEXT, "body": _TEXT, "label": _TEXT, "created_at": _MOMENT}, "label", "created_at", closed=True
)
_EXCHANGE: Final[Schema] = _object(
    {
        "number": _WHOLE,
        "at": _MOMENT,
        "fault": _maybe(_TEXT),
        "tracking_ids": _list(_TEXT),
        "request": _object({"method": _TEXT, "target": _TEXT, "headers": _list(_list(_TEXT)), "body": _TEXT}),
        "response": _object({"status": _WHOLE, "content_type": _TEXT, "body": _TEXT}),
    }
)
_CALLBACK: Final[Schema] = _object(
    {
        "kind": _TEXT,
        "url": _TEXT,
        "state": _TEXT,
        "due": _MOMENT,
        "subject": _TEXT,
        "is_copy": _FLAG,
        "payload": {"type": "object"},
        "attempts": _list(_object({"at": _MOMENT, "status": _maybe(_WHOLE), "error": _maybe(_TEXT)})),
    }
)
_SWITCH: Final[Schema] = _object(
    {
        "name": {"enum": list(BY_NAME)},
        "title": _TEXT,
        "meaning": _TEXT,
        "advice": _TEXT,
        "share": _maybe({"enum": list(SHARES)}),
        "struck": _WHOLE,
        "fault": _ref("Fault"),
    }
)

SCHEMAS: Final[Schema] = {
    "Anything": {},
    "Nothing": _object({}, closed=True),
    "Error": _object({"error": _TEXT, "problems": {"type": "object", "additionalProperties": _TEXT}}, "problems"),
    "Message": _object(_SUMMARY),
    "MessageList": _page("messages", _ref("Message")),
    "MessageDetail": _object(
        {
            **_SUMMARY,
            "price": _NUMBER,
            "application_id": _TEXT,
            "options": {"type": "object"},
            "timeline": _list(_PART),
            "exchange": _maybe(_ref("Exchange")),
            "callbacks": _list(_ref("Callback")),
        }
    ),
    "Seed": {"anyOf": [_SEED_ROW, _list(_SEED_ROW)]},
    "Inbound": _object({"from": _TEXT, "to": _TEXT, "body": _TEXT, "callback_url": _TEXT}, "callback_url", closed=True),
    "Clock": _object({"now": _MOMENT, "scale": _NUMBER, "next_due": _maybe(_MOMENT)}),
    "ClockChange": _object({"advance": _NUMBER, "scale": _NUMBER}, "advance", "scale", closed=True),
    "Extract": _object({"code": _maybe(_TEXT), "link": _maybe(_TEXT), "message": _ref("Message")}),
    "Exchange": _EXCHANGE,
    "ExchangeList": _page("requests", _ref("Exchange")),
    "Callback": _CALLBACK,
    "CallbackList": _page("callbacks", _ref("Callback")),
    "Fault": _FAULT,
    "FaultInForce": _object({"number": _WHOLE, "switch": _maybe(_TEXT), "seen": _WHOLE, "struck": _WHOLE, "fault": _ref("Fault")}),
    "FaultList": _object({"faults": _list(_ref("FaultInForce"))}),
    "Switch": _SWITCH,
    "SwitchList": _object({"switches": _list(_ref("Switch"))}),
    "Share": _object({"share": {"enum": list(SHARES), "default": "always"}}, "share", closed=True),
    "Counters": _object(
        {
            "sends_received": _WHOLE,
            "sends_accepted": _WHOLE,
            "requests": {"type": "object", "additionalProperties": _WHOLE},
            "busy": _WHOLE,
            "peak": _WHOLE,
            "labels": {"type": "object", "additionalProperties": _WHOLE},
            "duplicates": {"type": "object", "additionalProperties": _WHOLE},
            "unlabelled_duplicates": _list(_object({"to": _TEXT, "sender_id": _TEXT, "body": _TEXT, "count": _WHOLE})),
            "balance": {"type": "number"},
            "faults_struck": _WHOLE,
        }
    ),
    "Settings": {"type": "object", "description": "Any fields of routee_async.sandbox.Settings."},
    "MagicList": _object({"numbers": _list(_object({"number": _TEXT, "name": _TEXT, "meaning": _TEXT}))}),
    "Sms": {
        "type": "object",
        "required": ["from", "to", "body"],
        "properties": {"from": _TEXT, "to": _TEXT, "body": _TEXT, "label": _TEXT, "ttl": _WHOLE, "flash": _FLAG},
    },
    "Token": _object(
        {"access_token": _TEXT, "token_type": _TEXT, "expires_in": _WHOLE, "scope": _TEXT, "permissions": _list(_TEXT)}
    ),
}
"""Name to schema."""
