"""The built binary and scratch folders, for the tests of this folder. `BINARY` is the first argument of a test."""
import atexit
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

BINARY = None


def main():
    global BINARY
    if len(sys.argv) < 2 or not os.access(sys.argv[1], os.X_OK):
        sys.exit(f'usage: {sys.argv[0]} PATH_OF_ODRADEK [unittest arguments]')
    BINARY = str(pathlib.Path(sys.argv.pop(1)).resolve())
    unittest.main(module='__main__', verbosity=2)


class Result:
    def __init__(self, completed):
        self.code = completed.returncode
        self.out = completed.stdout.decode('utf-8', 'replace')
        self.err = completed.stderr.decode('utf-8', 'replace')

    def __str__(self):
        return f'exit code {self.code}\n--- stdout\n{self.out}--- stderr\n{self.err}'


def run(*arguments, stdin=b'', timeout=60, cwd=None):
    completed = subprocess.run([BINARY, *map(str, arguments)], input=stdin, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, timeout=timeout, cwd=cwd, check=False)
    return Result(completed)


def scratch():
    """A folder that lives as long as the program."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix='odradek-test-'))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


class BinaryTest(unittest.TestCase):
    """A test with a folder of its own."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix='odradek-test-'))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def ok(self, *arguments, **options):
        result = run(*arguments, **options)
        self.assertEqual(result.code, 0, f'{arguments}: {result}')
        return result

    def fails(self, code, *arguments, says=(), **options):
        result = run(*arguments, **options)
        self.assertEqual(result.code, code, f'{arguments}: {result}')
        for text in (says,) if isinstance(says, str) else says:
            self.assertIn(text, result.err, f'{arguments}: {result}')
        return result
