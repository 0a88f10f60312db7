"""The inbox: a page that shows what was sent as phones would, live, and lets a developer play the network and the recipient.

`pages.py` lists the addresses; `layout.py`, `threads.py`, `talk.py`, `message.py` and `faults.py` write the HTML; `live.py` tells
open pages of changes; `static/` holds the style, a little script and htmx.
"""
