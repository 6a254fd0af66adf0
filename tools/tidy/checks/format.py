"""clang-format-16 has nothing to change."""
import re

from .tree import Finding, run_tool

BATCH_FILES = 50


def check(tree):
    paths = tree.with_suffix('.h', '.cc', generated=False)
    findings = []
    for start in range(0, len(paths), BATCH_FILES):
        done = run_tool(['clang-format-16', '--dry-run', *paths[start:start + BATCH_FILES]], cwd=tree.root)
        seen = set()
        for path, line in re.findall(r'^(\S+?):(\d+):\d+: (?:warning|error):', done.stderr, re.MULTILINE):
            if path not in seen:
                findings.append(Finding(path, int(line), 'not formatted: clang-format-16 -i it'))
            seen.add(path)
    return findings
