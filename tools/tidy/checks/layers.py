"""Who may include whom, and whether the CMake link lists say the same.

layers.txt has a line per folder: `folder: folders that it may include` (itself is understood). A folder's libraries may
link only the libraries of those folders, and what is included must be linked, directly or through others.
"""
import re

from .tree import CODE_TOPS, Finding

DATA = 'tools/tidy/layers.txt'


def folder_of(path, folders):
    """The longest folder of the matrix that contains the path."""
    parts = path.split('/')
    for length in range(len(parts) - 1, 0, -1):
        candidate = '/'.join(parts[:length])
        if candidate in folders:
            return candidate
    return None


def read_matrix(tree, findings):
    matrix, lines = {}, {}
    for number, line in tree.data_lines(DATA):
        folder, colon, allowed = line.partition(':')
        folder = folder.strip()
        if not colon or folder in matrix:
            findings.append(Finding(DATA, number, f'expected "folder: folders" once per folder, got "{line}"'))
            continue
        matrix[folder], lines[folder] = allowed.split(), number
    for folder, allowed in matrix.items():
        for other in allowed:
            if other not in matrix:
                findings.append(Finding(DATA, lines[folder], f'{folder} may include {other}, which has no line'))
    findings += [Finding(DATA, lines[cycle[0]], 'layers go in a circle: ' + ' -> '.join(cycle))
                 for cycle in find_cycles(matrix)]
    return matrix


def find_cycles(matrix):
    state = {}

    def visit(folder, trail):
        if state.get(folder) == 'done':
            return
        if folder in trail:
            yield trail[trail.index(folder):] + [folder]
            return
        for other in matrix.get(folder, []):
            yield from visit(other, trail + [folder])
        state[folder] = 'done'

    for folder in matrix:
        yield from visit(folder, [])


def read_libraries(tree, folders):
    """name -> (folder, CMake file, line, linked libraries)."""
    libraries = {}
    pattern = re.compile(r'\bodradek_(?:library|proto)\s*\(\s*(\w+)([^)]*)\)')
    for path in tree.files:
        if not path.endswith('CMakeLists.txt') or path.split('/')[0] == 'tests':
            continue
        text = re.sub(r'#[^\n]*', '', tree.text(path))
        for match in pattern.finditer(text):
            links = re.search(r'\bLINKS\b([^)]*)', match.group(2))
            linked = re.findall(r'\bodradek_\w+', links.group(1)) if links else []
            line = text.count('\n', 0, match.start()) + 1
            libraries[match.group(1)] = (folder_of(path, folders), path, line, linked)
    return libraries


def closure(library, libraries):
    seen, todo = set(), [library]
    while todo:
        name = todo.pop()
        if name in seen or name not in libraries:
            continue
        seen.add(name)
        todo += libraries[name][3]
    return seen


def check(tree):
    findings = []
    matrix = read_matrix(tree, findings)
    libraries = read_libraries(tree, matrix)
    for name, (folder, path, line, linked) in libraries.items():
        if folder is None:
            findings.append(Finding(path, line, f'the folder of {name} has no line in {DATA}'))
        for other in linked:
            if other not in libraries:
                findings.append(Finding(path, line, f'{name} links {other}, which no folder defines'))
            elif folder and libraries[other][0] and libraries[other][0] not in [folder, *matrix[folder]]:
                findings.append(Finding(path, line, f'{name} links {other}: {folder} may not include '
                                                    f'{libraries[other][0]} ({DATA})'))
    linked_folders = {}
    for name, (folder, *_) in libraries.items():
        reached = {libraries[other][0] for other in closure(name, libraries)}
        linked_folders.setdefault(folder, set()).update(reached)
    for path in tree.with_suffix('.h', '.cc', tops=('engine', 'sim', 'properties', 'tools')):
        folder = folder_of(path, matrix)
        if folder is None:
            findings.append(Finding(path, 1, f'its folder has no line in {DATA}'))
            continue
        for line, target, is_system in tree.includes(path):
            of_others = '/' in target and target.split('/')[0] not in CODE_TOPS
            if is_system or of_others or target.endswith('.pb.h'):
                continue
            other = folder_of(target, matrix)
            if other is None:
                findings.append(Finding(path, line, f'includes {target}, which belongs to no folder of {DATA}'))
            elif other != folder and other not in matrix[folder]:
                findings.append(Finding(path, line, f'{folder} may not include {other} ({DATA})'))
            elif folder in linked_folders and other not in linked_folders[folder]:
                findings.append(Finding(path, line, f'includes {target}, but the libraries of {folder} do not link '
                                                    f'a library of {other}'))
    return findings
