#!/usr/bin/python3
"""tools/setup under machines that are made of shell scripts: nothing is installed."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

SETUP = sys.argv.pop(1) if len(sys.argv) > 1 else str(pathlib.Path(__file__).parents[3] / 'tools/setup')
NEEDED = ('bash', 'env', 'dirname', 'cat', 'id', 'printf')


class SetupTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.bin = pathlib.Path(folder.name)
        self.state = self.bin / 'installed'
        self.state.write_text('')
        for name in NEEDED:
            os.symlink(shutil.which(name), self.bin / name)

    def program(self, name, body):
        path = self.bin / name
        path.unlink(missing_ok=True)
        path.write_text(f'#!{shutil.which("bash")}\n{body}\n')
        path.chmod(0o755)

    def debian(self, install='shift; for p; do [[ $p == -* ]] || echo "$p" >>"$STATE"; done'):
        self.program('dpkg-query', 'while read -r p; do [[ $p != "${@: -1}" ]] || { printf installed; exit 0; }; '
                                   'done <"$STATE"; exit 1')
        self.program('apt-get', f'echo "apt-get $*"; [[ $1 == install ]] || exit 0; {install}')

    def run_setup(self, *arguments):
        environment = {'PATH': str(self.bin), 'STATE': str(self.state)}
        return subprocess.run([str(self.bin / 'bash'), SETUP, *arguments], capture_output=True, text=True, check=False,
                              env=environment)

    def test_a_machine_without_apt_is_named(self):
        done = self.run_setup()
        self.assertEqual(done.returncode, 2)
        self.assertIn('dpkg-query not found', done.stderr)
        self.assertIn('Debian 12', done.stderr)

    def test_installs_what_is_missing_and_then_nothing(self):
        self.debian()
        self.program('id', 'echo 0')
        first = self.run_setup()
        self.assertEqual(first.returncode, 0, first.stdout + first.stderr)
        self.assertIn('apt-get install', first.stdout)
        self.assertIn('cmake', self.state.read_text().split())
        second = self.run_setup()
        self.assertEqual(second.returncode, 0)
        self.assertNotIn('apt-get', second.stdout)

    def test_the_browser_is_installed_only_when_asked_for(self):
        self.debian()
        self.program('id', 'echo 0')
        self.run_setup()
        self.assertNotIn('chromium-headless-shell', self.state.read_text())
        self.assertEqual(self.run_setup('--browser').returncode, 0)
        self.assertIn('chromium-headless-shell', self.state.read_text())

    def test_check_installs_nothing(self):
        self.debian()
        done = self.run_setup('--check')
        self.assertEqual(done.returncode, 1)
        self.assertIn('missing', done.stdout)
        self.assertNotIn('apt-get', done.stdout)

    def test_without_root_it_goes_through_sudo(self):
        self.debian()
        self.program('id', 'echo 1000')
        done = self.run_setup()
        self.assertEqual(done.returncode, 1)
        self.assertIn('needs root', done.stderr)
        self.program('sudo', 'echo "sudo $*"; exec "$@"')
        done = self.run_setup()
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn('sudo env DEBIAN_FRONTEND=noninteractive apt-get install', done.stdout)

    def test_a_failed_installation_is_told(self):
        self.debian(install='exit 100')
        self.program('id', 'echo 0')
        done = self.run_setup()
        self.assertEqual(done.returncode, 1)
        self.assertIn('apt-get install failed', done.stderr)

    def test_unknown_option_shows_the_usage(self):
        done = self.run_setup('--what')
        self.assertEqual(done.returncode, 2)
        self.assertIn('Usage', done.stderr)

    def test_every_package_has_a_reason(self):
        text = (pathlib.Path(SETUP).parent / 'packages.txt').read_text()
        for line in text.splitlines():
            if line and not line.startswith('#'):
                self.assertGreaterEqual(len(line.split()), 2, line)


if __name__ == '__main__':
    unittest.main()
