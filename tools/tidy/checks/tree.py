"""The tree that is checked: its files, their text, and their text without comments and literals."""
import functools
import os
import pathlib
import re
import subprocess
from typing import NamedTuple

CODE_TOPS = ('engine', 'sim', 'properties', 'scenarios', 'tools', 'tests')
SKIPPED_DIRS = {'.git', '__pycache__', '.cache', 'data', 'out'}

_LITERALS = re.compile(
    r'//[^\n]*'
    r'|/\*.*?\*/'
    r'|R"([^\s()\\]{0,16})\(.*?\)\1"'
    r'|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9a-zA-Z_])'(?:\\.|[^'\\\n])+'",
    re.DOTALL)


class Finding(NamedTuple):
    path: str
    line: int
    message: str


class TidyError(Exception):
    """The check could not run: a tool or the build is missing."""


def blank_literals(text):
    """Comments and literals become blanks; every other character keeps its place. Include lines keep their path."""
    def blank(match):
        token = match.group(0)
        line_start = text.rfind('\n', 0, match.start()) + 1
        if token[0] == '"' and text[line_start:match.start()].lstrip().startswith('#include'):
            return token
        return re.sub(r'[^\n]', ' ', token)
    return _LITERALS.sub(blank, text)


def line_of(text, position):
    return text.count('\n', 0, position) + 1


class Tree:
    def __init__(self, root, build, thorough=False):
        self.root = pathlib.Path(root)
        self.build = pathlib.Path(build)
        self.thorough = thorough

    @functools.cached_property
    def files(self):
        """Paths relative to the root, '/'-separated, sorted. Build directories and dot folders of tools are no part."""
        found = []
        for folder, dirs, names in os.walk(self.root):
            relative = os.path.relpath(folder, self.root)
            dirs[:] = [d for d in dirs if d not in SKIPPED_DIRS and not (relative == '.' and d.startswith('build'))]
            found += [os.path.normpath(os.path.join(relative, name)) for name in names]
        return sorted(found)

    def with_suffix(self, *suffixes, tops=CODE_TOPS, generated=True):
        return [path for path in self.files
                if path.endswith(suffixes) and path.split('/')[0] in tops
                and (generated or '/generated/' not in path)]

    @functools.lru_cache(maxsize=None)
    def text(self, path):
        return (self.root / path).read_text(encoding='utf-8', errors='replace')

    @functools.lru_cache(maxsize=None)
    def code(self, path):
        return blank_literals(self.text(path))

    def includes(self, path):
        """(line, what, is_system) of every include."""
        pattern = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">\n]+)[">]', re.MULTILINE)
        code = self.code(path)
        return [(line_of(code, m.start()), m.group(2), m.group(1) == '<') for m in pattern.finditer(code)]

    def data_lines(self, path):
        """(line number, text) of a data file of tools/tidy, without comments and empty lines."""
        if not (self.root / path).exists():
            raise TidyError(f'{path} is missing')
        for number, line in enumerate(self.text(path).splitlines(), 1):
            stripped = line.split('#', 1)[0].strip()
            if stripped:
                yield number, stripped


def run_tool(command, **options):
    """The finished process; TidyError if the program is not there."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, **options)
    except FileNotFoundError as error:
        raise TidyError(f'{command[0]} is missing: tools/setup installs it') from error
