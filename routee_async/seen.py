"""Which keys have come before, in 12 to 32 bytes for each: an eighth of what a set of texts takes. Pure."""

from array import array

_SMALLEST = 1024
_FULLEST = 2 / 3
_MASK = (1 << 64) - 1


class Seen:
    """64-bit keys that have come before.

    A table of 8 bytes a place, at most two thirds full, doubled when it is: a million keys take 16 MiB. Of a million keys that are
    hashes, two are taken for one with a chance of 1 in 37 million.
    """

    def __init__(self) -> None:
        self._places = array("Q", bytes(8 * _SMALLEST))
        self._used = 0

    def __len__(self) -> int:
        return self._used

    def add(self, key: int) -> bool:
        """Note a key; True if it had come before. Of larger ones the last 64 bits count."""
        wanted = key & _MASK or _MASK  # 0 marks a free place
        if not self._put(wanted):
            return True
        self._used += 1
        if self._used > len(self._places) * _FULLEST:
            self._grow()
        return False

    def _put(self, key: int) -> bool:
        places, last = self._places, len(self._places) - 1
        place = key & last
        while (there := places[place]) != 0:
            if there == key:
                return False
            place = (place + 1) & last
        places[place] = key
        return True

    def _grow(self) -> None:
        before = self._places
        self._places = array("Q", bytes(16 * len(before)))
        for key in before:
            if key:
                self._put(key)
