"""tools/gdb/odradek.py against a real broker, its core file, and a simulated run: gdb_test.py PATH_OF_ODRADEK"""
import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve()
ROOT = HERE.parents[3]
sys.path.insert(0, str(ROOT / 'tests' / 'interop'))
import broker  # noqa: E402  pylint: disable=wrong-import-position

BINARY = str(pathlib.Path(sys.argv.pop(1)).resolve())
SCRIPT = ROOT / 'tools' / 'gdb' / 'odradek.py'
SKIPPED = 77
CORE_PATTERN = pathlib.Path('/proc/sys/kernel/core_pattern').read_text().strip()


def gdb(*arguments, commands):
    options = ['-nx', '-batch', '-iex', 'set debuginfod enabled off', '-ex', 'set width 0', '-x', SCRIPT]
    for command in commands:
        options += ['-ex', command]
    done = subprocess.run(['gdb', *map(str, options), *map(str, arguments)], capture_output=True, text=True, check=False,
                          cwd=ROOT, timeout=300)
    return done.stdout + done.stderr


class Fibers(unittest.TestCase):
    def check(self, out, kind, names):
        """The list, and backtraces of all: each fiber that was started stands in a wait below the function that waits."""
        schedulers = re.findall(r'^scheduler \d+ of (\S+) at 0x[0-9a-f]+: (\d+) fibers$', out, re.MULTILINE)
        self.assertTrue(schedulers, out)
        self.assertTrue(any(kind in found for found, _ in schedulers), out)
        listed = re.findall(r'^ +(\d+)  (\w[\w ,]*?) {2,}(\S.*)$', out, re.MULTILINE)
        self.assertEqual(len(listed), sum(int(count) for _, count in schedulers), out)
        for name in names:
            self.assertIn(name, {fiber for _, _, fiber in listed})
        traces = re.split(r'^scheduler \d+, fiber ', out, flags=re.MULTILINE)[1:]
        self.assertEqual(len(traces), len(listed), out)
        waiting = [trace for trace in traces if '": waiting' in trace.splitlines()[0]]
        self.assertTrue(waiting, out)
        for trace in waiting:
            self.assertIn('odradek::fiber::WaitQueue::WaitUntil', trace)
            self.assertIn('odradek::fiber::Scheduler::EntryPoint::Run', trace)
            self.assertRegex(trace, r' at \S+fiber\.cc:\d+')

    def test_of_a_broker(self):
        node = broker.Broker(BINARY)
        self.addCleanup(node.close)
        out = gdb('-p', node.process.pid, commands=['odradek fibers', 'odradek bt all', 'odradek bt no-such-fiber'])
        self.check(out, 'odradek::real::', ['node', 'accept'])
        self.assertIn('there is no fiber "no-such-fiber"', out)

    @unittest.skipUnless(CORE_PATTERN == 'core', f'core files of this machine go to {CORE_PATTERN!r}, not into the working folder')
    def test_of_a_core_file(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix='odradek-gdb-'))
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(folder)
        node = broker.Broker(BINARY)
        self.addCleanup(node.close)
        resource.prlimit(node.process.pid, resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        node.process.send_signal(signal.SIGABRT)
        node.process.wait()
        [core] = folder.glob('core*')
        self.check(gdb(BINARY, core, commands=['odradek fibers', 'odradek bt all']), 'odradek::real::', ['node', 'accept'])

    def test_of_a_simulated_run(self):
        out = gdb('--args', BINARY, 'sim', 'replay', 'calm', '--seed', '1',
                  commands=['set follow-fork-mode child', 'set breakpoint pending on',
                            'break odradek::workload::Recorder::EndSend', 'run', 'odradek fibers', 'odradek bt all',
                            'kill'])
        self.check(out, 'odradek::sim::', ['node', 'producer', 'consumer'])
        # Several nodes, each with a scheduler of its own.
        self.assertGreaterEqual(len(re.findall(r'^scheduler \d+ of ', out, re.MULTILINE)), 3, out)


def why_not():
    """Empty: gdb is there and may look into processes."""
    if shutil.which('gdb') is None:
        return 'there is no gdb here'
    child = subprocess.Popen(['cat'], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    try:
        attached = subprocess.run(['gdb', '-nx', '-batch', '-p', str(child.pid)], capture_output=True, text=True,
                                  check=False)
    finally:
        child.stdin.close()
        child.wait()
    return 'gdb may not look into processes here' if 'not permitted' in attached.stderr else ''


if __name__ == '__main__':
    reason = why_not()
    if reason:
        print(reason)
        sys.exit(SKIPPED)
    unittest.main(verbosity=2)
