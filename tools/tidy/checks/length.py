"""Files and functions fit on what a reader can hold; what does not is listed in ratchet.txt with a number that may only
fall: it must be near the present length."""
import re

from .tree import Finding, line_of

DATA = 'tools/tidy/ratchet.txt'
LINES_MAX = {'.h': 300, '.cc': 600}
FUNCTION_LINES_MAX = 70
# A listed number that is further than this above the truth must be lowered.
SLACK_LINES = 10

_SCOPE = re.compile(r'\b(?:namespace|class|struct|union|enum|extern)\b')
_FUNCTION = re.compile(r'\)\s*(?:const|noexcept|override|final|mutable|&&?|->\s*[\w:<>,&*\s]+|:\s*[\w:].*|try|'
                       r'requires\b.*|\s)*$', re.DOTALL)
# `C(int x) : a_(x), b_` in front of a brace: still the initialiser list, the body comes later.
_INITIALISER = re.compile(r'\)\s*(?:noexcept\s*)?:(?!:)(?:[^:]|::)*[\w>]\s*$')
_NOT_A_NAME = {'if', 'for', 'while', 'switch', 'catch', 'return', 'sizeof', 'noexcept', 'requires', 'decltype',
               'alignas', 'defined'}


def functions(code):
    """(name, first position, last position) of every function body outside other functions."""
    # Preprocessor lines hold no functions, and their braces need not match.
    code = re.sub(r'^[ \t]*#(?:[^\n\\]|\\.|\\\n)*', lambda m: re.sub(r'[^\n]', ' ', m.group(0)), code,
                  flags=re.MULTILINE)
    start, position, size = 0, 0, len(code)
    while position < size:
        char = code[position]
        if char in ';}' or (char == ':' and code[start:position].strip() in ('public', 'private', 'protected')):
            start = position + 1
        elif char == '{':
            head = code[start:position]
            if _INITIALISER.search(head):
                position = skip_block(code, position)
            elif name := function_name(head):
                end = skip_block(code, position)
                first = start + len(head) - len(head.lstrip())
                yield name, first, end
                start = position = end
                start += 1
            elif not _SCOPE.search(head):
                # An initialiser, or a brace inside a constructor's initialiser list.
                end = skip_block(code, position)
                if not head.rstrip().endswith((',', ')')) and ')' not in head:
                    start = end + 1
                position = end
            else:
                start = position + 1
        position += 1


def skip_block(code, position):
    depth = 0
    while position < len(code):
        depth += {'{': 1, '}': -1}.get(code[position], 0)
        if depth == 0:
            return position
        position += 1
    return len(code) - 1


def function_name(head):
    if '(' not in head or re.search(r'=\s*$', head) or not _FUNCTION.search(head):
        return None
    head = re.sub(r'\btemplate\s*<[^;{}]*?>\s*(?=[\w\[])', '', head, count=1)
    if re.match(r'\s*(?:namespace|enum)\b', head):
        return None
    for match in re.finditer(r'([~\w:]+|operator\s*[^\s(]+)\s*\(', head):
        if match.group(1) not in _NOT_A_NAME:
            return match.group(1)
    return None


def measure(tree):
    """key -> (path, line, lines, limit); the key is the path, or path:function."""
    measured = {}
    for path in tree.with_suffix('.h', '.cc', generated=False):
        code = tree.code(path)
        limit = LINES_MAX['.h' if path.endswith('.h') else '.cc']
        measured[path] = (path, 1, tree.text(path).count('\n'), limit)
        for name, first, last in functions(code):
            lines = code.count('\n', first, last) + 1
            key = f'{path}:{name}'
            if key not in measured or lines > measured[key][2]:
                measured[key] = (path, line_of(code, first), lines, FUNCTION_LINES_MAX)
    return measured


def check(tree):
    findings = []
    allowed = {}
    for number, line in tree.data_lines(DATA):
        parts = line.split()
        if len(parts) != 2 or not parts[1].isdigit():
            findings.append(Finding(DATA, number, f'expected "path lines" or "path:function lines", got "{line}"'))
            continue
        allowed[parts[0]] = (number, int(parts[1]))
    measured = measure(tree)
    for key, (path, line, lines, limit) in measured.items():
        listed = allowed.get(key, (0, limit))[1]
        what = f'function {key.rsplit(":", 1)[1]}' if ':' in key else 'file'
        if lines > max(limit, listed):
            findings.append(Finding(path, line, f'{what} has {lines} lines, {max(limit, listed)} at most'))
    for key, (number, listed) in allowed.items():
        if key not in measured or measured[key][2] <= measured[key][3]:
            findings.append(Finding(DATA, number, f'{key} is within the limits: remove its line'))
        elif listed > measured[key][2] + SLACK_LINES:
            findings.append(Finding(DATA, number, f'{key} has shrunk: lower its number to {measured[key][2]}'))
    return findings
