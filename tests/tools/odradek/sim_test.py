"""odradek sim as a person meets it: verdicts, exit codes, files, and what a failing seed leads to."""
import fcntl
import json
import os
import pathlib
import re
import signal
import subprocess
import time
import xml.etree.ElementTree

import binary
from binary import BinaryTest

SCENARIOS = pathlib.Path(__file__).resolve().parents[3] / 'scenarios'
CALM = SCENARIOS / 'calm.txtpb'


def hash_of(text):
    return re.search(r'^hash: ([0-9a-f]{32})$', text, re.MULTILINE).group(1)


class SimTest(BinaryTest):
    def scenario(self, name, *replacements, of=CALM):
        """A copy of a scenario with other text in some places."""
        text = of.read_text()
        for old, new in replacements:
            self.assertIn(old, text)
            text = text.replace(old, new)
        path = self.folder / name
        path.write_text(text)
        return path

    def failing(self):
        """Crashes strike, and nothing has the time to come back."""
        return self.scenario('failing.txtpb', ('liveness_ms: 120000', 'liveness_ms: 1'),
                             of=SCENARIOS / 'crash_loops_in_recovery.txtpb')


class Run(SimTest):
    def test_a_campaign_ends_with_a_table_and_one_hash(self):
        arguments = ('sim', 'run', CALM, '--seeds', '1..4', '--jobs')
        first = self.ok(*arguments, 1)
        second = self.ok(*arguments, 2)
        self.assertRegex(first.out, r'(?m)^calm +4 +0 ')
        line = [text for text in first.out.splitlines() if text.startswith('hash over all runs: ')]
        self.assertEqual(len(line), 1)
        self.assertIn(line[0], second.out)
        self.assertIn('4/4 runs, 0 failed', first.err)

    def test_results_for_machines(self):
        self.ok('sim', 'run', CALM, '--seeds', '3..5', '--json', self.folder / 'a.json', '--junit', self.folder / 'a.xml')
        results = json.loads((self.folder / 'a.json').read_text())
        self.assertEqual([run['seed'] for run in results['runs']], [3, 4, 5])
        self.assertEqual(results['exit_code'], 0)
        cases = xml.etree.ElementTree.parse(self.folder / 'a.xml').getroot().findall('.//testcase')
        self.assertEqual(len(cases), 3)

    def test_a_failure_names_the_property_and_the_command_that_repeats_it(self):
        result = binary.run('sim', 'run', self.failing(), '--seeds', '1..2', '--junit', self.folder / 'a.xml')
        self.assertEqual(result.code, 10, result)
        self.assertIn('V0: ', result.out)
        self.assertIn(f'odradek sim replay {self.folder}/failing.txtpb --seed 1', result.out)
        failures = xml.etree.ElementTree.parse(self.folder / 'a.xml').getroot().findall('.//failure')
        self.assertEqual(len(failures), 2)

    def test_a_file_that_cannot_be_written_is_an_error_before_the_campaign(self):
        folder = self.folder / 'is_a_file'
        folder.write_text('kept')
        nowhere = folder / 'a.json'
        for option, path, says in (('--json', nowhere, f'{nowhere}: cannot be written: Not a directory'),
                                   ('--junit', self.folder, f'{self.folder}: cannot be written: Is a directory'),
                                   ('--report', folder, f'{folder}: Not a directory')):
            result = self.fails(2, 'sim', 'run', self.failing(), '--seeds', '1..2', option, path)
            self.assertEqual((result.out, result.err), ('', f'odradek sim: {says}\n'))
        self.assertEqual(folder.read_text(), 'kept')
        self.fails(2, 'sim', 'run', self.failing(), '--json', self.folder / 'a.json', '--junit', nowhere)
        self.assertFalse((self.folder / 'a.json').exists())

    def test_a_file_that_cannot_be_written_in_the_end_does_not_hide_a_failure(self):
        says = 'odradek sim: /dev/full: cannot be written: No space left on device'
        for code, scenario in ((10, self.failing()), (1, CALM)):
            for option in '--json', '--junit':
                result = self.fails(code, 'sim', 'run', scenario, '--seeds', '1..2', option, '/dev/full', says=says)
                self.assertIn('hash over all runs: ', result.out)

    def test_the_help_says_what_a_number_and_a_missing_probe_are(self):
        text = ' '.join(self.ok('sim', 'run', '--help').out.split())
        self.assertIn('A..B, both included; one number is that seed alone', text)
        self.assertIn('of which fewer than 100 runs of that scenario say nothing', text)

    def test_every_scenario_is_listed(self):
        out = self.ok('sim', 'list', cwd=SCENARIOS.parent).out
        for path in SCENARIOS.glob('*.txtpb'):
            self.assertIn(path.stem, out)


class OneSeed(SimTest):
    def test_a_replay_has_the_hash_of_the_campaign(self):
        self.ok('sim', 'run', CALM, '--seeds', '7', '--json', self.folder / 'a.json')
        in_campaign = json.loads((self.folder / 'a.json').read_text())['runs'][0]['hash']
        self.assertEqual(hash_of(self.ok('sim', 'replay', CALM, '--seed', 7).out), in_campaign)

    def test_the_trace_is_filtered_by_kind_node_and_time(self):
        out = self.ok('sim', 'replay', CALM, '--seed', 7, '--kind', 'client,network', '--node', 'p1', '--until', '1s',
                      '--trace', self.folder / 'all.txt').out
        lines = [line for line in out.splitlines() if re.match(r' +\d+\.\d{9} #\d+ ', line)]
        self.assertGreater(len(lines), 5)
        for line in lines:
            self.assertLessEqual(float(line.split()[0]), 1.0)
            self.assertRegex(line, r'#\d+ +p1\b.* (client|network): ')
        self.assertGreater(len((self.folder / 'all.txt').read_text().splitlines()), len(lines))

    def test_a_plan_can_be_printed_edited_and_used(self):
        scenario = SCENARIOS / 'crash_loops_in_recovery.txtpb'
        plan = self.folder / 'plan.txtpb'
        plan.write_text(self.ok('sim', 'plan', scenario, '--seed', 3).out)
        own = hash_of(self.ok('sim', 'replay', scenario, '--seed', 3).out)
        self.assertEqual(hash_of(self.ok('sim', 'replay', scenario, '--seed', 3, '--plan', plan).out), own)
        plan.write_text('seed: 3\n')
        self.assertNotEqual(hash_of(self.ok('sim', 'replay', scenario, '--seed', 3, '--plan', plan).out), own)

    def test_an_explanation_says_what_must_hold_and_what_went_wrong_in_between(self):
        out = self.fails(10, 'sim', 'explain', self.failing(), '--seed', 1).out
        self.assertIn('V0: ', out)
        self.assertIn('must hold: When the faults stop, every client finishes and every partition can be read.', out)
        self.assertRegex(out, r'(?m)^ +\d+\.\d{9}  b1 +FAULT \d+: ')
        self.assertRegex(out, r'(?m)^ +\d+\.\d{9}  b1 +NODE (crash|power loss)$')
        times = [float(at) for at in re.findall(r'(?m)^ +(\d+\.\d{9})  ', out)]
        self.assertEqual(times, sorted(times))

    def test_a_seed_that_passes_has_nothing_to_explain(self):
        self.assertIn('nothing to explain', self.ok('sim', 'explain', CALM, '--seed', 7).out)

    def test_two_runs_of_a_seed_do_not_differ(self):
        self.assertIn('no difference in ', self.ok('sim', 'diff', CALM, '--seed', 2).out)

    def test_a_failing_seed_shrinks_to_a_plan_that_fails(self):
        scenario = self.failing()
        plan = self.folder / 'small.txtpb'
        before = self.ok('sim', 'plan', scenario, '--seed', 1).out.count('event {')
        out = self.ok('sim', 'shrink', scenario, '--seed', 1, '--output', plan).out
        after = plan.read_text().count('event {')
        self.assertIn(f'{after} of {before} events are needed', out)
        self.assertIn(f'--plan {plan}', out)
        again = self.fails(10, 'sim', 'replay', scenario, '--seed', 1, '--plan', plan)
        self.assertIn('V0: ', again.out)

    def test_a_seed_that_passes_cannot_be_shrunk(self):
        self.fails(1, 'sim', 'shrink', CALM, '--seed', 1, says='calm passes with seed 1')

    def test_a_replay_that_crashes_says_where_it_stood(self):
        pipe = self.folder / 'trace'
        os.mkfifo(pipe)
        reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, reader)
        fcntl.fcntl(reader, fcntl.F_SETPIPE_SZ, 4096)  # soon full: the run waits in its middle
        replay = subprocess.Popen([binary.BINARY, 'sim', 'replay', str(CALM), '--seed', '1', '--trace', str(pipe)],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        children = pathlib.Path(f'/proc/{replay.pid}/task/{replay.pid}/children')
        deadline = time.monotonic() + 20
        while not (children.read_text() and os.stat(pipe).st_mode and self.is_waiting(children)):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)
        os.kill(int(children.read_text()), signal.SIGABRT)
        out = replay.communicate(timeout=20)[0].decode()
        self.assertEqual(replay.returncode, 12, out)
        self.assertIn('crash in calm with seed 1: killed by signal 6', out)

    @staticmethod
    def is_waiting(children):
        stat = pathlib.Path(f'/proc/{int(children.read_text())}/wchan').read_text()
        return 'pipe' in stat


class WrongUsage(SimTest):
    def test_what_is_wrong_is_named(self):
        for says, arguments in (
                (('nope', 'there is no scenario'), ('run', 'nope')),
                (('--seeds 5..1', 'A <= B'), ('run', CALM, '--seeds', '5..1')),
                (('--seeds x', 'A..B'), ('run', CALM, '--seeds', 'x')),
                (('--twice-share',), ('run', CALM, '--twice-share', 'often')),
                (('--timeout',), ('run', CALM, '--timeout', '0')),
                (('--seed',), ('replay', CALM)),
                (('--kind nothing',), ('replay', CALM, '--seed', '1', '--kind', 'nothing')),
                (('--until soon',), ('replay', CALM, '--seed', '1', '--until', 'soon')),
                (('/no/such/folder/trace',), ('replay', CALM, '--seed', '1', '--trace', '/no/such/folder/trace')),
                (('missing.plan',), ('replay', CALM, '--seed', '1', '--plan', 'missing.plan')),
                (('LG01', 'mutations'), ('replay', CALM, '--seed', '1', '--mutation', 'LG01')),
                (('/no/such/folder/a.json',), ('run', CALM, '--seeds', '1', '--json', '/no/such/folder/a.json')),
        ):
            self.fails(2, 'sim', *arguments, says=says)

    def test_a_scenario_file_that_is_wrong_is_named_with_the_place(self):
        for name, replacement, says in (
                ('unknown field', ('records: 60', 'recods: 60'), ('recods', ':16:')),
                ('no number', ('records: 60', 'records: "many"'), (':16:',)),
                ('unknown config', ('index.interval.bytes', 'index.intervall.bytes'), ('index.intervall.bytes',)),
                ('bad value', ('value: "20000"', 'value: "lots"'), ('internal.segment.bytes', 'lots')),
                ('no time', ('liveness_ms: 60000', 'liveness_ms: 0'), ('liveness_ms',)),
        ):
            with self.subTest(name):
                self.fails(2, 'sim', 'run', self.scenario('wrong.txtpb', replacement), says=('wrong.txtpb',) + says)

    def test_a_plan_file_that_is_wrong_is_named_with_the_place(self):
        plan = self.folder / 'plan.txtpb'
        for text, says in (('event { id: 1 trigger { at_ns: -1 } target { node: "b1" } action { crash {} } }', 'at_ns'),
                           ('event { id: 1 trigger { at_ns: 1 } target { node: "b9" } action { crash {} } }', 'b9'),
                           ('event { id: 1 trigger { at_ns: 1 } target { node: "b1" } }', 'action'),
                           ('event { id 1 }', ':1:'),
                           ('\x00\xff', 'plan.txtpb')):
            plan.write_text(text, encoding='latin-1')
            self.fails(2, 'sim', 'replay', CALM, '--seed', 1, '--plan', plan, says=('plan.txtpb', says))


if __name__ == '__main__':
    binary.main()
