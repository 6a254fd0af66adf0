#!/usr/bin/python3
"""tools/demo looks at its arguments before it does anything: here it finds no program that it could begin with."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

DEMO = sys.argv.pop(1) if len(sys.argv) > 1 else str(pathlib.Path(__file__).parents[3] / 'tools/demo')


class DemoTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.bin = pathlib.Path(folder.name)
        for name in ('bash', 'dirname', 'cat'):
            os.symlink(shutil.which(name), self.bin / name)

    def run_demo(self, *arguments):
        return subprocess.run([str(self.bin / 'bash'), DEMO, *arguments], capture_output=True, text=True, check=False,
                              env={'PATH': str(self.bin)})

    def test_help_prints_the_usage_and_does_nothing(self):
        for option in ('--help', '-h'):
            done = self.run_demo(option)
            self.assertEqual((done.returncode, done.stderr), (0, ''))
            self.assertTrue(done.stdout.startswith('Usage: tools/demo [SEEDS]\n'), done.stdout)
            self.assertNotIn('== ', done.stdout)

    def test_wrong_arguments_are_named_before_anything_is_done(self):
        for arguments in (('many',), ('0',), ('-1',), ('',), ('1', '2'), ('--seeds', '5')):
            done = self.run_demo(*arguments)
            self.assertEqual((done.returncode, done.stdout), (2, ''))
            self.assertEqual(done.stderr.splitlines()[0],
                             f'tools/demo: expected one whole number of seeds from 1 on, found: {" ".join(arguments)}')


if __name__ == '__main__':
    unittest.main()
