"""The pool gives out no connection with something unread in it."""

import asyncio
import select
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from unittest.mock import Mock

import aiohttp
import pytest
from yarl import URL

from routee_async.failures import SpokeFirstError
from routee_async.pool import Pool, Watch
from tests.misbehaving import Peer, Script, Server, answer, nothing_left, until

BOUNDS = aiohttp.ClientTimeout()


@pytest.fixture(autouse=True)
async def _nothing_left() -> AsyncIterator[None]:
    async with nothing_left():
        yield


async def silent(peer: Peer) -> None:
    """Say nothing."""
    await peer.gone()


@asynccontextmanager
async def pool_at(script: Script) -> AsyncIterator[tuple[Pool, aiohttp.ClientRequest, Server]]:
    """A pool, a request that says where to connect to, and the server there."""
    async with Server(script) as server:
        pool = Pool()
        yield pool, aiohttp.ClientRequest("POST", URL(server.origin), loop=asyncio.get_running_loop()), server
        await pool.close()
        await until(lambda: server.open == 0)


def transport_of(connection: aiohttp.connector.Connection) -> asyncio.Transport:
    """The transport of a connection that is in use."""
    assert connection.transport is not None
    return connection.transport


async def test_quiet_connection_is_given_out_at_once() -> None:
    """A connection over which nothing has come costs no turn of the loop."""
    async with pool_at(silent) as (pool, request, _):
        first = await pool.connect(request, [], BOUNDS)
        transport = transport_of(first)
        first.release()
        checkout = pool.connect(request, [], BOUNDS)
        with pytest.raises(StopIteration) as done:
            checkout.send(None)
        second = done.value.value
        assert transport_of(second) is transport
        second.release()


async def test_cancelling_while_looking_closer() -> None:
    """A checkout that is cancelled while it waits to see what has come closes the connection."""
    async with pool_at(silent) as (pool, request, server):
        connection = await pool.connect(request, [], BOUNDS)
        await until(lambda: server.peers)
        server.peers[0].send_now(answer())
        connection.release()
        checkout = pool.connect(request, [], BOUNDS)
        checkout.send(None)
        with pytest.raises(asyncio.CancelledError):
            checkout.throw(asyncio.CancelledError)
        await until(lambda: server.open == 0)


async def test_new_connection_that_is_not_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that speaks before it is asked is not asked."""
    async with pool_at(silent) as (pool, request, server):
        create = pool._create_connection  # noqa: SLF001 - to let the server speak in time

        async def create_and_wait(*arguments: object) -> object:
            made = await create(*arguments)  # type: ignore[arg-type] # handed on as they come
            await until(lambda: server.peers)
            server.peers[0].send_now(answer())
            return made

        monkeypatch.setattr(pool, "_create_connection", create_and_wait)
        with pytest.raises(SpokeFirstError):
            await pool.connect(request, [], BOUNDS)
        assert len(server.peers) == 1


async def test_new_plain_connection_reads_little_at_a_time() -> None:
    """Asyncio asks for 256 KiB for each answer, which costs more than the answer."""
    async with pool_at(silent) as (pool, request, _):
        connection = await pool.connect(request, [], BOUNDS)
        assert getattr(transport_of(connection), "max_size", 32768) == 32768
        connection.release()


def test_transport_without_such_a_setting_is_left_alone() -> None:
    """Of a transport of another kind nothing is changed."""
    transport = Mock(spec=["get_extra_info"])
    transport.get_extra_info.return_value = None
    Pool.shrink_buffer(transport)
    assert not hasattr(transport, "max_size")


def test_watch() -> None:
    """What is unread, and the end of a connection, are seen; reading makes it quiet again."""
    ours, theirs = socket.socketpair()
    transport = Mock(get_extra_info=Mock(return_value=ours))
    with ours, theirs:
        watch = Watch(transport)
        assert not watch.sees_something()
        theirs.send(b"x")
        assert watch.sees_something()
        ours.recv(1)
        assert not watch.sees_something()
        theirs.close()
        assert watch.sees_something()


@pytest.mark.parametrize("lacking", ["socket", "poll"])
def test_watch_that_cannot_tell(lacking: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system cannot tell, something may have arrived."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        if lacking == "poll":
            monkeypatch.delattr(select, "poll")
        transport = Mock(get_extra_info=Mock(return_value=None if lacking == "socket" else ours))
        assert Watch(transport).sees_something()


def test_watch_of_a_closed_socket() -> None:
    """A socket that is closed is not watched."""
    ours, theirs = socket.socketpair()
    theirs.close()
    ours.close()
    assert Watch(Mock(get_extra_info=Mock(return_value=ours))).sees_something()
