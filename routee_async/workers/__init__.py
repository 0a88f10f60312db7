"""Worker processes that carry the wire for one client: `RouteeClient(..., workers=4)`.

One brain, many hands. The client's own process keeps everything that decides: input, checks, pace, gate, breaker, repeats, ledger
and outcomes; so there is one rate and one ledger, however many processes there are. What goes to a worker is the wire alone: it is
handed a request that may leave now, and gives back the answer, or the failure as its own transport told it.

    crew.py     the client's transport: which worker gets what, what becomes of a worker that dies
    worker.py   one worker as seen from the client: its process, its pipe, what it holds
    hand.py     the worker itself: a transport at the other end of the pipe
    frames.py   what goes over the pipe, as bytes
"""
