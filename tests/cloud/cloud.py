#!/usr/bin/env python3
"""The local test cloud: emulators of AWS on loopback, behind one checking gateway.

    python3 tests/cloud/cloud.py up [--dir DIR]      start it (or say that it runs already); with --enforce one that checks permissions
    . target/cloud/env.sh                            point AWS clients at it
    python3 tests/cloud/cloud.py status [--dir DIR]  is it up? where?
    python3 tests/cloud/cloud.py down [--dir DIR]    stop exactly what `up` started
    python3 tests/cloud/cloud.py install             only create the virtual environments, the oracles' too

Needs Python 3.10 or later and nothing else; see tests/cloud/README.md.
"""
import sys

if sys.version_info < (3, 10):  # before anything that an older Python could not even parse
    sys.exit(
        "error: the local cloud needs Python 3.10 or later; this is %s (%s).\n"
        "       Run it with a newer one, for example: python3.12 tests/cloud/cloud.py up"
        % (".".join(map(str, sys.version_info[:3])), sys.executable)
    )
sys.dont_write_bytecode = True  # leave no __pycache__ in the sources

import argparse  # noqa: E402
from pathlib import Path  # noqa: E402

import launcher  # noqa: E402
import npm  # noqa: E402
import venvs  # noqa: E402
from trouble import Trouble  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]


def arguments(argv):
    parser = argparse.ArgumentParser(prog="cloud.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, text in (("up", "start the cloud"), ("down", "stop it"), ("status", "say whether it runs"), ("install", "create the virtual environments only")):
        command = commands.add_parser(name, help=text)
        if name != "install":
            command.add_argument("--dir", type=Path, default=ROOT / "target" / "cloud", help="where it keeps its files (default: target/cloud)")
        if name == "up":
            command.add_argument("--account", type=account, default=launcher.ACCOUNT, help="which account it is (default: %(default)s)")
            command.add_argument("--enforce", action="store_true", help="enforce permissions: only the key `local` may do all")
    return parser.parse_args(argv)


def account(text):
    if len(text) != 12 or not text.isdigit():
        raise argparse.ArgumentTypeError("an account has 12 digits, not %r" % text)
    return text


def main(argv=None):
    args = arguments(argv)
    try:
        if args.command == "install":
            for name, python in venvs.ensure(ROOT, (*venvs.NAMES, venvs.ORACLES)).items():
                print("%s: %s" % (name, python))
            print("npm: %s" % npm.ensure(venvs.home_of(ROOT)))
            return 0
        given = {"enforce": args.enforce, "account": args.account} if args.command == "up" else {}
        return getattr(launcher, args.command)(args.dir.resolve(), ROOT, **given)
    except Trouble as trouble:
        print("error: %s" % trouble, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
