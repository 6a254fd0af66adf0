"""Completion of command lines: what every verb's --help says, a tab completes."""
import pathlib
import re
import shutil
import subprocess
import unittest

import binary
from binary import BinaryTest

SCENARIOS = pathlib.Path(__file__).resolve().parents[3] / 'scenarios'


def verbs_of(help_text):
    """What stands at the beginning of a line of the subcommands of a --help."""
    listed = help_text.partition('\nSubcommands:\n')[2].partition('\n\n')[0]
    return re.findall(r'^  ([\w-]+) ', listed, re.MULTILINE)


def options_of(help_text):
    """Long names: what stands at the beginning of a line of the options."""
    listed = help_text.partition('\nOptions:\n')[2].partition('\n\n')[0]
    names = ','.join(re.findall(r'^  (-\S+)', listed, re.MULTILINE)).split(',')
    return {name for name in names if name.startswith('--')}


def all_paths(path=()):
    text = binary.run(*path, '--help').out
    yield path, text
    for verb in verbs_of(text):
        yield from all_paths((*path, verb))


class Bash(BinaryTest):
    def setUp(self):
        super().setUp()
        self.script = self.folder / 'odradek.bash'
        self.script.write_text(self.ok('completion', 'bash').out)

    def complete(self, *words):
        """What bash offers for the last of the words."""
        text = ' '.join(f"'{word}'" for word in ('odradek', *words))
        done = subprocess.run(
            ['bash', '--norc', '-c', f'PATH={self.folder}:$PATH; source {self.script}; COMP_WORDS=({text}); '
             f'COMP_CWORD={len(words)}; _odradek; printf "%s\\n" "${{COMPREPLY[@]}}"'],
            capture_output=True, text=True, check=True, cwd=self.folder)
        self.assertEqual(done.stderr, '')
        return set(done.stdout.split())

    def test_every_verb_and_every_option_is_completed(self):
        paths = list(all_paths())
        self.assertGreater(len(paths), 15)
        for path, text in paths:
            with self.subTest(path=path):
                if verbs_of(text):
                    self.assertEqual(self.complete(*path, ''), set(verbs_of(text)))
                options = options_of(text)
                self.assertIn('--help', options)
                self.assertEqual({word for word in self.complete(*path, '--')}, options)

    def test_a_beginning_is_enough(self):
        self.assertEqual(self.complete('sim', 'rep'), {'replay'})
        self.assertEqual(self.complete('sim', 'replay', '--se'), {'--seed'})
        self.assertEqual(self.complete('sim', 'replay', 'calm', '--seed', '7', '--no'), {'--node'})

    def test_scenarios_are_completed_by_name(self):
        (self.folder / 'odradek').symlink_to(binary.BINARY)
        (self.folder / 'scenarios').symlink_to(SCENARIOS)
        self.assertIn('power_loss_flush_never', self.complete('sim', 'run', 'power'))
        self.assertIn('calm', self.complete('sim', 'explain', ''))

    def test_files_stand_behind_options_that_take_one(self):
        (self.folder / 'plan.txtpb').write_text('')
        self.assertEqual(self.complete('sim', 'replay', 'calm', '--plan', 'pl'), {'plan.txtpb'})


class Zsh(BinaryTest):
    def test_every_verb_and_every_option_is_named(self):
        script = self.ok('completion', 'zsh').out
        self.assertTrue(script.startswith('#compdef odradek\n'))
        for path, text in all_paths():
            with self.subTest(path=path):
                part = script[script.index("'" + ' '.join(('odradek', *path)) + "')\n      verbs="):]
                part = part[:part.index(';;')]
                for verb in verbs_of(text):
                    self.assertIn(f"'{verb}:", part)
                for option in options_of(text):
                    self.assertIn(f"'*{option}[", part)

    @unittest.skipIf(shutil.which('zsh') is None, 'zsh is not installed: its completion cannot be tried')
    def test_zsh_reads_it(self):
        path = self.folder / '_odradek'
        path.write_text(self.ok('completion', 'zsh').out)
        subprocess.run(['zsh', '-n', str(path)], check=True)


class Shells(BinaryTest):
    def test_another_shell_is_an_error(self):
        self.fails(2, 'completion', 'fish', says='fish')
        self.fails(2, 'completion', says='shell is required')


if __name__ == '__main__':
    binary.main()
