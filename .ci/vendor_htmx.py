"""Fetch the script that the inbox page uses, or check that it is what was fetched: .ci/vendor_htmx.py VERSION | --check.

The version, and the sum of each file, stand in routee_async/sandbox/inbox/static/vendored.json. Needs npm to fetch.
"""

import json
import subprocess
import sys
import tarfile
import tempfile
from hashlib import sha256
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "routee_async" / "sandbox" / "inbox" / "static"
RECORD = FOLDER / "vendored.json"
PACKAGE = "htmx.org"
FILES = {
    "htmx.min.js": "package/dist/htmx.min.js",
    "hx-sse.min.js": "package/dist/ext/hx-sse.min.js",
    "htmx-LICENSE.txt": "package/LICENSE",
}
"""Name here to name in the package."""


def fetch(version: str) -> None:
    """Fetch that *version* and put it down."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", "--silent", "--pack-destination", folder, f"{PACKAGE}@{version}"]
        subprocess.run(command, check=True)  # noqa: S603 - the version is the caller's
        (archive,) = Path(folder).glob("*.tgz")
        with tarfile.open(archive) as packed:
            for name, path in FILES.items():
                member = packed.extractfile(path)
                if member is None:
                    sys.exit(f"{PACKAGE} {version} has no {path}")
                (FOLDER / name).write_bytes(member.read())
    record = {"package": PACKAGE, "version": version, "licence": "0BSD", "sha256": sums()}
    RECORD.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def sums() -> dict[str, str]:
    """Tell the sum of each file as it is."""
    return {name: sha256((FOLDER / name).read_bytes()).hexdigest() for name in FILES}


def main() -> None:
    """Fetch, or check."""
    if len(sys.argv) != 2:  # noqa: PLR2004 - the script and one argument
        sys.exit(__doc__)
    if sys.argv[1] != "--check":
        fetch(sys.argv[1])
    elif json.loads(RECORD.read_text(encoding="utf-8"))["sha256"] != sums():
        sys.exit("a vendored file is not what was fetched")


if __name__ == "__main__":
    main()
