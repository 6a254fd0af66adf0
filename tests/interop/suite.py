"""Checks of one foreign client: each gets a World, and ends as ok, failed or missing (with the reason)."""
import argparse
import itertools
import os
import pathlib
import signal
import sys
import time
import traceback
from typing import NamedTuple

from broker import Broker

ROOT = pathlib.Path(__file__).resolve().parents[2]
SKIPPED = 77  # ctest's SKIP_RETURN_CODE


class Missing(Exception):
    """What a check needs is not on this machine, or not in this version of the broker."""


class Result(NamedTuple):
    client: str
    what: str
    outcome: str  # ok, FAILED or missing
    detail: str
    seconds: float


def default_binary():
    for preset in ('test', 'release'):
        path = ROOT / 'build' / preset / 'bin' / 'odradek'
        if path.exists():
            return str(path)
    return None


class World:
    """One broker that the checks of a suite share, and more on demand; topics have unique names."""

    def __init__(self, binary):
        self.binary = binary
        self.names = itertools.count(1)
        self.shared = None
        self.own = []

    @property
    def broker(self):
        if self.shared is None or not self.shared.is_running():
            if self.shared is not None:
                self.shared.close()
            self.shared = Broker(self.binary)
        return self.shared

    def new_broker(self, **settings):
        self.own.append(Broker(self.binary, **settings))
        return self.own[-1]

    def topic(self, name='t'):
        return f'{name}-{next(self.names)}'

    def logs(self):
        return [broker.log_tail() for broker in self.own or [self.shared] if broker is not None]

    def end_check(self):
        for broker in self.own:
            broker.close()
        self.own = []

    def close(self):
        self.end_check()
        if self.shared is not None:
            self.shared.close()


class Suite:
    def __init__(self, client):
        self.client = client
        self.checks = []
        self.require = lambda: None

    def check(self, what, timeout_s=90):
        def add(function):
            self.checks.append((what, timeout_s, function))
            return function
        return add

    def requires(self, function):
        """The function raises Missing when the client is not here."""
        self.require = function
        return function

    def not_yet(self, what, reason):
        def missing(_):
            raise Missing(reason)
        self.checks.append((what, 10, missing))

    def run(self, binary, pattern=''):
        try:
            self.require()
        except Missing as why:
            yield Result(self.client, 'everything', 'missing', str(why), 0)
            return
        world = World(binary)
        try:
            for what, timeout_s, function in self.checks:
                if pattern in what:
                    yield self.run_check(world, what, timeout_s, function)
        finally:
            world.close()

    def run_check(self, world, what, timeout_s, function):
        started = time.monotonic()
        outcome, detail = 'ok', ''

        def too_late(*_):
            raise AssertionError(f'not finished within {timeout_s} s')
        before = signal.signal(signal.SIGALRM, too_late)
        signal.alarm(timeout_s)
        try:
            function(world)
            if world.shared is not None and not world.shared.is_running():
                raise AssertionError('the broker died')
        except Missing as why:
            outcome, detail = 'missing', str(why)
        except Exception:  # any failure of a client is a result
            outcome = 'FAILED'
            detail = '\n'.join([traceback.format_exc(limit=-4).strip()[-3000:], '--- broker log:', *world.logs()])
        finally:
            signal.alarm(0)
            signal.signal(signal.SIGALRM, before)
            world.end_check()
        return Result(self.client, what, outcome, detail, time.monotonic() - started)


def print_result(result):
    detail = result.detail if result.outcome == 'missing' else ''
    seconds = f'{result.seconds:5.1f} s' if result.outcome != 'missing' else ''
    print(f'{result.client:<16} {result.what:<58} {result.outcome:<8} {seconds}{detail}', flush=True)


def run_suites(suites, binary, pattern=''):
    """Prints a line for each check, then why checks failed; returns the exit code."""
    results = []
    for suite in suites:
        for result in suite.run(binary, pattern):
            print_result(result)
            results.append(result)
    if not results:
        sys.exit(f'no check has "{pattern}" in its name')
    failed = [result for result in results if result.outcome == 'FAILED']
    for result in failed:
        print(f'\n== {result.client}: {result.what}\n{result.detail}')
    count = {name: sum(result.outcome == name for result in results) for name in ('ok', 'FAILED', 'missing')}
    print(f'\n{count["ok"]} ok, {count["FAILED"]} failed, {count["missing"]} missing')
    if failed:
        return 1
    return 0 if count['ok'] else SKIPPED


def main(suites, description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument('--binary', default=os.environ.get('ODRADEK_BINARY') or default_binary(),
                        help='the odradek program (default: that of build/test, then build/release)')
    parser.add_argument('pattern', nargs='?', default='', help='only checks whose name has this text')
    arguments = parser.parse_args()
    if not arguments.binary or not os.access(arguments.binary, os.X_OK):
        sys.exit(f'{arguments.binary or "odradek"}: no such program; build the target odradek or give --binary')
    sys.exit(run_suites(suites, arguments.binary, arguments.pattern))
