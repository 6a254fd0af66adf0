"""Every folder with code has a README.md that says what it is and what it may include."""
import os

from .tree import Finding

# Mirrors of the source tree need no word of their own; the README.md of tests/ speaks for them.
PART_OF_PARENT = ('generated', 'schema', 'checks', 'handlers', 'testdata')


def check(tree):
    folders = {os.path.dirname(path) for path in tree.with_suffix('.h', '.cc', '.py', '.txtpb')}
    folders = {'tests' if folder.startswith('tests/') else folder for folder in folders}
    return [Finding(folder, 1, 'a folder with code and without README.md') for folder in sorted(folders)
            if os.path.basename(folder) not in PART_OF_PARENT and f'{folder}/README.md' not in tree.files]
