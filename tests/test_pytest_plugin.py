"""The fixtures that users get, in pytest runs of their own: every kind of test, side by side, and light to load."""

import subprocess
import sys

import pytest

pytest_plugins = ["pytester"]
ASYNC_TEST = """
    import pytest
    from routee_async import RouteeClient, Sms

    {mark}
    async def test_client_is_open(routee_sandbox, routee_client):
        sent = await routee_client.send(Sms(to="+306970000001", sender_id="ParcelCo", body="Your code is 482913"))
        assert routee_sandbox.sent_to("+306970000001").code() == "482913"
        async with routee_client.tracker() as tracker:
            assert (await tracker.wait(sent, timeout=10)).status == "Delivered"

    {mark}
    async def test_environment_leads_there(routee_sandbox):
        async with RouteeClient.from_env() as client:
            await client.send(Sms(to="+306970000002", sender_id="ParcelCo", body="Hi"))
        message = await routee_sandbox.wait_for_message(to="+306970000002", timeout=5)
        assert message.body == "Hi"
        await routee_sandbox.advance(hours=1)

    {mark}
    async def test_each_has_its_own(routee_sandbox):
        assert routee_sandbox.messages == ()
"""
SYNC_TEST = """
    import asyncio
    import pytest
    from routee_async import Sms

    def test_sync(routee_sandbox, routee_client):
        async def app():
            async with routee_client:
                await routee_client.send(Sms(to="+306970000001", sender_id="ParcelCo", body="See https://shop.example/x."))
        asyncio.run(app())
        assert routee_sandbox.wait_for_message(to="306970000001").result().link() == "https://shop.example/x"
        routee_sandbox.advance(hours=72).result()
        routee_sandbox.inbound(from_="+306970000001", to="306900000099", body="STOP")
        assert routee_sandbox.duplicates() == {}
        routee_sandbox.reset()
        assert routee_sandbox.messages == ()
"""


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A pytest run in a process of its own, in which every warning is an error and only the named plugins are loaded."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    return pytester


def outcomes(run: pytest.Pytester, *arguments: str) -> dict[str, int]:
    """Run with our plugin and *arguments*, and tell what became of the tests."""
    result = run.runpytest_subprocess("-W", "error", "-p", "routee_async.pytest_plugin", "-p", "no:cacheprovider", *arguments)
    return result.parseoutcomes()


@pytest.mark.parametrize(("mode", "mark"), [("auto", ""), ("strict", "@pytest.mark.asyncio")])
def test_pytest_asyncio(run: pytest.Pytester, mode: str, mark: str) -> None:
    """With pytest-asyncio, in both of its modes, the client is open in the loop of the test."""
    run.makepyfile(ASYNC_TEST.format(mark=mark))
    options = ("-p", "pytest_asyncio.plugin", f"--asyncio-mode={mode}", "-o", "asyncio_default_fixture_loop_scope=function")
    assert outcomes(run, *options) == {"passed": 3}


def test_anyio(run: pytest.Pytester) -> None:
    """With the plugin of anyio, too."""
    run.makeconftest("import pytest\n@pytest.fixture\ndef anyio_backend():\n    return 'asyncio'\n")
    run.makepyfile(ASYNC_TEST.format(mark="@pytest.mark.anyio"))
    assert outcomes(run, "-p", "anyio.pytest_plugin") == {"passed": 3}


def test_without_event_loop(run: pytest.Pytester) -> None:
    """A test that is no coroutine can use all of it; what takes time gives its result when asked."""
    run.makepyfile(SYNC_TEST)
    assert outcomes(run) == {"passed": 1}


def test_side_by_side(run: pytest.Pytester) -> None:
    """Many tests in several processes do not get in one another's way: each sandbox has a port of its own."""
    run.makepyfile(
        """
        import pytest
        from routee_async import Sms

        @pytest.mark.parametrize("number", range(8))
        async def test_alone(routee_sandbox, routee_client, number):
            await routee_client.send(Sms(to=f"+30697000000{number}", sender_id="ParcelCo", body="Hi"))
            assert [message.to for message in routee_sandbox.messages] == [f"+30697000000{number}"]
        """
    )
    options = ("-p", "pytest_asyncio.plugin", "--asyncio-mode=auto", "-o", "asyncio_default_fixture_loop_scope=function")
    assert outcomes(run, *options, "-p", "xdist.plugin", "-n", "2") == {"passed": 8}


def test_options(run: pytest.Pytester) -> None:
    """Overriding `routee_sandbox_options` chooses how the sandbox behaves."""
    run.makepyfile(
        """
        import pytest

        @pytest.fixture
        def routee_sandbox_options():
            return {"balance": 0, "clock": "manual"}

        def test_it(routee_sandbox):
            assert routee_sandbox.balance == 0
        """
    )
    assert outcomes(run) == {"passed": 1}


def test_a_failing_test_fails(run: pytest.Pytester) -> None:
    """What a test raises comes through the open client unchanged, and so does what it says of the sandbox."""
    run.makepyfile(
        """
        async def test_it(routee_sandbox, routee_client):
            routee_sandbox.sent_to("+306970000001")
        """
    )
    options = ("-p", "pytest_asyncio.plugin", "--asyncio-mode=auto", "-o", "asyncio_default_fixture_loop_scope=function")
    result = run.runpytest_subprocess("-W", "error", "-p", "routee_async.pytest_plugin", *options)
    result.stdout.fnmatch_lines(["*NothingSentError: no message to +306970000001; none was sent at all*"])
    assert result.parseoutcomes() == {"failed": 1}


def test_nothing_is_imported_before_it_is_needed() -> None:
    """Whoever has the package installed does not wait for aiohttp in test runs that have nothing to do with it."""
    heavy = ("aiohttp", "attrs", "cattrs", "phonenumbers", "routee_async.client", "routee_async.sandbox")
    code = f"import sys, routee_async.pytest_plugin; print([name for name in {heavy} if name in sys.modules])"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout  # noqa: S603 - our own
    assert printed.strip() == "[]"


def test_fixtures_are_found_where_the_package_is_installed(run: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """The entry point makes the fixtures known without a line of configuration."""
    monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
    result = run.runpytest_subprocess("--fixtures", "-p", "no:randomly")
    result.stdout.fnmatch_lines(["*routee_sandbox_options*", "*A sandbox of this test alone*"])
