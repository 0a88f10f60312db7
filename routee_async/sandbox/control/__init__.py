"""The sandbox's other side: what a developer, a test or the inbox page asks of it, under `/_sandbox/`.

Nothing here exists at Routee. `table.py` lists the routes, `openapi.py` describes them, `face.py` puts them on the socket, and
`gate.py` keeps foreign web pages out.
"""
