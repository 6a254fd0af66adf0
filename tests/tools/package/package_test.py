"""The installed package as a stranger uses it: package_test.py BUILD_FOLDER DOWNSTREAM_SOURCES COMPILER"""
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest

BUILD, SOURCES, COMPILER = sys.argv[1:4]
del sys.argv[1:4]
SEEDS_UNTIL_FOUND = '1..20'
BUG = ('--set', 'ledger.position=own-record')
EXIT_SAFETY = 11


def run(*command, cwd=None, stdin=None):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, cwd=cwd, input=stdin,
                          check=False)


def must(*command, **options):
    done = run(*command, **options)
    if done.returncode != 0:
        raise AssertionError(f'{shlex.join(map(str, command))}: {done.returncode}\n{done.stdout}{done.stderr}')
    return done.stdout


class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix='odradek-package-'))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.prefix = cls.folder / 'prefix'
        cls.build = cls.folder / 'build'
        must('cmake', '--install', BUILD, '--prefix', cls.prefix)
        must('cmake', '-S', SOURCES, '-B', cls.build, '-G', 'Ninja', f'-DCMAKE_PREFIX_PATH={cls.prefix}',
             f'-DCMAKE_CXX_COMPILER={COMPILER}')
        must('cmake', '--build', cls.build, '-j', '2')
        cls.lab = cls.build / 'ledger_lab'

    def test_the_installed_binary_has_its_scenarios(self):
        odradek = self.prefix / 'bin' / 'odradek'
        self.assertIn('power_loss_flush_never', must(odradek, 'sim', 'list', cwd=self.folder))
        self.assertIn('hash over all runs', must(odradek, 'sim', 'run', 'calm', '--seeds', '1..2', cwd=self.folder))

    def test_completion_lies_where_shells_look(self):
        odradek = self.prefix / 'bin' / 'odradek'
        for path, shell in (('share/bash-completion/completions/odradek', 'bash'),
                            ('share/zsh/site-functions/_odradek', 'zsh')):
            self.assertEqual((self.prefix / path).read_text(), must(odradek, 'completion', shell))

    def test_only_what_users_need_is_installed(self):
        headers = {str(path.relative_to(self.prefix)) for path in self.prefix.rglob('*.h')}
        self.assertIn('include/odradek/sim/lab/lab.h', headers)
        self.assertIn('include/odradek/sim/nemesis/plan.pb.h', headers)
        self.assertFalse([path for path in headers if '/tests/' in path or '/tools/' in path])
        # What is installed must not lead back to where it was built.
        for path in self.prefix.rglob('*.cmake'):
            self.assertNotIn(str(pathlib.Path(BUILD).resolve()), path.read_text(), path)

    def test_the_program_under_test_holds_over_200_seeds(self):
        out = must(self.lab, 'run', 'ledger', '--seeds', '1..200')
        self.assertRegex(out, r'(?m)^ledger +200 +0 ')

    def test_its_scenarios_programs_and_settings_are_checked(self):
        self.assertIn('ledger ', must(self.lab, 'list'))
        broken = self.folder / 'broken.txtpb'
        text = (pathlib.Path(SOURCES) / 'scenarios' / 'ledger.txtpb').read_text()
        for old, new, says in (
                ('name: "ledger"\n  count', 'name: "leger"\n  count', 'this binary has no program "leger"'),
                ('name: "payments" value: "20"', 'name: "payments" value: "many"', '"many" is no number'),
                ('name: "position"', 'name: "place"', 'there is no setting "place"'),
                ('role: "ledger"', 'role: "ledgers"', 'no node has the role "ledgers"')):
            self.assertIn(old, text)
            broken.write_text(text.replace(old, new, 1))
            done = run(self.lab, 'run', broken)
            self.assertEqual(done.returncode, 2, done)
            self.assertIn(says, done.stderr)
        done = run(self.lab, 'run', 'ledger', '--set', 'ledger.colour=red')
        self.assertEqual((done.returncode, 'there is no setting "colour"' in done.stderr), (2, True), done)

    def test_the_planted_bug_is_found_and_the_line_that_is_printed_repeats_it(self):
        done = run(self.lab, 'run', 'ledger', '--seeds', SEEDS_UNTIL_FOUND, *BUG)
        self.assertEqual(done.returncode, EXIT_SAFETY, done.stdout + done.stderr)
        self.assertIn('every_payment_is_counted_once: ', done.stdout)
        lines = re.findall(r'^.*ledger_lab replay ledger --seed \d+ --set ledger\.position=own-record$', done.stdout,
                           re.MULTILINE)
        self.assertGreater(len(lines), 0, done.stdout)
        command = lines[0][lines[0].index(str(self.lab)):]
        seed = re.search(r'--seed (\d+)', command).group(1)
        first, second = (run(*shlex.split(command), cwd=self.folder) for _ in range(2))
        self.assertEqual(first.returncode, EXIT_SAFETY, first.stdout + first.stderr)
        self.assertRegex(first.stdout, r'every_payment_is_counted_once: .* the balance .* instead of ')
        self.assertEqual(first.stdout, second.stdout)
        # Without the bug the same seed passes.
        must(self.lab, 'replay', 'ledger', '--seed', seed)

    def test_the_planted_bug_is_shrunk_to_few_faults(self):
        done = run(self.lab, 'run', 'ledger', '--seeds', SEEDS_UNTIL_FOUND, *BUG)
        seed = re.search(r'replay ledger --seed (\d+)', done.stdout).group(1)
        out = must(self.lab, 'shrink', 'ledger', '--seed', seed, *BUG, cwd=self.folder)
        match = re.search(r'^(\d+) of (\d+) events are needed', out, re.MULTILINE)
        self.assertIsNotNone(match, out)
        self.assertLessEqual(int(match.group(1)), 2, out)
        plan = self.folder / f'ledger-{seed}.plan.txtpb'
        again = run(self.lab, 'replay', 'ledger', '--seed', seed, '--plan', plan, *BUG)
        self.assertEqual(again.returncode, EXIT_SAFETY, again.stdout)

    def test_the_same_program_runs_on_sockets(self):
        sys.path.insert(0, str(pathlib.Path(SOURCES).parent / 'interop'))
        import broker  # pylint: disable=import-outside-toplevel,import-error
        odradek = self.prefix / 'bin' / 'odradek'
        node = broker.Broker(str(odradek))
        self.addCleanup(node.close)
        at = ('--bootstrap-server', node.address)
        for topic in ('payments', 'balances'):
            must(odradek, 'topic', 'create', *at, '--topic', topic, '--partitions', '2')
        must(odradek, 'produce', *at, '--topic', 'payments', '--parse-key', '--key-separator', ':',
             stdin='ada:3\nada:4\n')
        ledger = subprocess.Popen([self.build / 'ledger', node.address], preexec_fn=broker.die_with_parent)
        self.addCleanup(ledger.wait)
        self.addCleanup(ledger.kill)
        out = must(odradek, 'consume', *at, '--topic', 'balances', '--from-beginning', '--max-messages', '2',
                   '--timeout-ms', '30000')
        self.assertEqual([line.split()[0] for line in out.splitlines()], ['3', '7'], out)


if __name__ == '__main__':
    unittest.main(verbosity=2)
