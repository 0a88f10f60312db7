"""Send a batch and follow it at the same time: what is accepted is watched at once, and reports come in while sends go out.

routee sandbox                         # in another terminal; paste what it prints
python examples/send_and_follow.py
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator

from routee_async import Accepted, PollPolicy, RouteeClient, SentSms, Sms


def messages(count: int) -> Iterator[Sms]:
    """Messages for *count* recipients, made one by one."""
    for number in range(count):
        yield Sms(to=f"+3069700{number:05}", sender_id="ParcelCo", body=f"Parcel {number} is on its way", label=f"parcel-{number}")


async def follow(client: RouteeClient, count: int, policy: PollPolicy) -> Counter[str]:
    """Send *count* messages; count outcomes and final statuses."""
    tally: Counter[str] = Counter()

    async def accepted() -> AsyncIterator[SentSms]:
        async for outcome in client.send_many(messages(count)):
            tally[type(outcome).__name__] += 1
            if isinstance(outcome, Accepted):
                yield outcome.sent

    async with client.tracker(policy=policy) as tracker:
        async for report in tracker.until_final(accepted()):
            tally[report.status] += 1
    return tally


async def main(count: int = 100, policy: PollPolicy = PollPolicy()) -> Counter[str]:  # noqa: B008 - frozen
    """Run against what the environment names."""
    async with RouteeClient.from_env() as client:
        tally = await follow(client, count, policy)
    for name, number in tally.items():
        print(f"{name:12} {number}")
    return tally


if __name__ == "__main__":
    asyncio.run(main())
