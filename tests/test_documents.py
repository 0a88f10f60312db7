"""What the documents show is run: the code of the README, and the examples."""

import asyncio
import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
from aiohttp.test_utils import TestClient, TestServer

from routee_async import PollPolicy
from routee_async.sandbox import Body, Fault, Kind, Sandbox, Shape, Timeline, faults, magic
from routee_async.sandbox.control.table import ROUTES

pytest_plugins = ["pytester"]
ROOT = Path(__file__).parent.parent
BLOCKS = re.findall(r"^```python\n(.*?)^```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
QUICK = PollPolicy(first_delay=0.01, max_interval=0.01)


@pytest.fixture(autouse=True)
def environment(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `routee sandbox` tells the user to set."""
    monkeypatch.setenv("ROUTEE_APPLICATION_ID", sandbox.application_id)
    monkeypatch.setenv("ROUTEE_APPLICATION_SECRET", sandbox.application_secret)
    monkeypatch.setenv("ROUTEE_BASE_URL", sandbox.base_url)
    monkeypatch.setenv("ROUTEE_AUTH_URL", sandbox.auth_url)


def example(name: str) -> ModuleType:
    """Import an example by its path."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "examples" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


async def test_readme_sends_one_and_waits(sandbox: Sandbox) -> None:
    """The first example of the README prints the final status and the number of parts."""
    sandbox.carrier.settings.timeline = Timeline(reads=0)
    assert await run_block(0) == "Delivered 1\n"


async def test_readme_sends_many(sandbox: Sandbox) -> None:
    """The second example of the README sends its thousand messages and prints a line for each."""
    printed = await run_block(1)
    assert len(printed.splitlines()) == 1000
    assert sandbox.journal.sends_accepted == 1000


async def test_readme_survives_a_crash(sandbox: Sandbox, tmp_path: Path) -> None:
    """The third example of the README sends its hundred messages once, however often it is run."""
    for _ in range(2):
        assert "100 accepted" in await run_block(2, tmp_path)
    assert sandbox.journal.sends_received == 100


def test_readme_has_no_other_code() -> None:
    """Code that is added to the README is added here too."""
    assert len(BLOCKS) == 3


async def test_example_follows_while_it_sends(sandbox: Sandbox) -> None:
    """Everything that is sent is followed to its end."""
    tally = await example("send_and_follow").main(50, QUICK)
    assert tally == {"Accepted": 50, "Delivered": 50}
    assert sandbox.journal.sends_accepted == 50


@pytest.mark.parametrize(
    ("order", "fault", "status"),
    [
        ({"to": "+306970000001", "body": "Hello"}, None, 202),
        ({"to": "call me", "body": "Hello"}, None, 422),
        ({"to": "+306970000001", "body": "Hello"}, faults.error(500, accepted=True), 504),
        ({"to": "+306970000001", "body": "Hello"}, faults.error(429, retry_after="3600"), 502),
        ({"to": "+306970000001", "body": "Hello"}, faults.error(400, code="400005000"), 502),
    ],
    ids=["sent", "invalid", "unknown", "busy", "refused"],
)
async def test_example_service_says_what_became_of_it(
    sandbox: Sandbox,
    order: dict[str, str],
    fault: faults.Effect | None,
    status: int,
) -> None:
    """Each kind of error has an HTTP status that tells the caller whether to ask again."""
    if fault is not None:
        sandbox.faults.add(Fault(fault, path="/sms"))
    async with TestClient(TestServer(example("web_service").build())) as service:
        answer = await service.post("/notify", json=order)
        assert answer.status == status


def blocks(page: str) -> dict[str, str]:
    """Give the code blocks of a page that have a title."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return dict(re.findall(r'^```python title="(.*?)"\n(.*?)^```', text, re.DOTALL | re.MULTILINE))


def test_example_of_testing(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """The application in docs/testing.md passes its tests, with the fixtures as they are installed."""
    found = blocks("testing.md")
    assert set(found) == {"app.py", "test_app.py"}
    for name, code in found.items():
        (pytester.path / name).write_text(code, encoding="utf-8")
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    plugins = ("-p", "routee_async.pytest_plugin", "-p", "pytest_asyncio.plugin", "--asyncio-mode=auto")
    options = ("-W", "error", "-o", "asyncio_default_fixture_loop_scope=function", "-o", "pythonpath=.")
    assert pytester.runpytest_subprocess(*plugins, *options).parseoutcomes() == {"passed": 3}


def test_magic_numbers_in_the_document() -> None:
    """The table of magic numbers in docs/sandbox.md is the one that the code writes."""
    page = (ROOT / "docs" / "sandbox.md").read_text(encoding="utf-8")
    table = page.partition("<!-- magic:")[2].partition("-->\n\n")[2].partition("\n<!-- end of magic")[0]
    assert table == magic.markdown()


def test_control_routes_in_the_document() -> None:
    """Every route of the control API is named in docs/sandbox.md."""
    page = (ROOT / "docs" / "sandbox.md").read_text(encoding="utf-8")
    assert [route.path for route in ROUTES if re.sub(r"\{\w+\}", "{", route.path).partition("{")[0] not in page] == []


def test_kinds_of_faults_in_the_document() -> None:
    """Every kind of fault is named in docs/sandbox.md, and every shape and form."""
    page = (ROOT / "docs" / "sandbox.md").read_text(encoding="utf-8")
    assert [name for name in (*Kind, *Shape, *Body) if f"`{name}`" not in page] == []


def test_pictures_are_small() -> None:
    """Every picture in the documents is there, and none is heavy."""
    for page in (ROOT / "docs").glob("*.md"):
        for name in re.findall(r"!\[[^\]]*\]\(([^)]*)\)", page.read_text(encoding="utf-8")):
            assert 0 < (page.parent / name).stat().st_size < 150_000, name


async def run_block(number: int, folder: Path | None = None) -> str:
    """Run a code block of the README in a process of its own, as a user would; return what it prints."""
    command = (sys.executable, "-W", "error", "-c", BLOCKS[number])
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, cwd=folder)
    printed, _ = await process.communicate()
    assert process.returncode == 0
    return printed.decode()
