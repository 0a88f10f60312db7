"""A table of keys that have come before."""

from hypothesis import given
from hypothesis import strategies as st

from routee_async.seen import Seen


@given(st.lists(st.integers(-(2**70), 2**70) | st.integers(0, 3) | st.integers(0, 9).map(lambda n: n << 40)))
def test_it_tells_what_a_set_would_tell(keys: list[int]) -> None:
    """Each key is new once, whatever the others are; all that counts are its last 64 bits, of which 0 and the largest are one."""
    seen, reference = Seen(), set()
    for key in keys:
        name = key & (2**64 - 1) or 2**64 - 1
        assert seen.add(key) is (name in reference)
        reference.add(name)
    assert len(seen) == len(reference)


def test_it_grows() -> None:
    """Five thousand keys are kept apart although the table begins with a thousand places."""
    seen = Seen()
    assert not any(seen.add(key * 1024) for key in range(5000))
    assert all(seen.add(key * 1024) for key in range(5000))
    assert len(seen) == 5000
