"""Every probe that a scenario names is one that code can reach."""
import re

from .tree import Finding, line_of

CODE = ('engine', 'sim', 'tests')


def end_of_call(code, position):
    """Behind the parenthesis that closes the one before `position`; literals are blank in `code`."""
    depth = 1
    while position < len(code) and depth > 0:
        depth += {'(': 1, ')': -1}.get(code[position], 0)
        position += 1
    return position


def reached(tree):
    """The literals of REACHED(context, "…") and of Context::Reached("…")."""
    names = set()
    for path in tree.with_suffix('.h', '.cc', tops=CODE):
        code, text = tree.code(path), tree.text(path)
        for call in re.finditer(r'\b(?:REACHED|Reached)\s*\(', code):
            names.update(re.findall(r'"([\w.]+)"', text[call.end():end_of_call(code, call.end())]))
    return names


def check(tree):
    names = reached(tree)
    for path in tree.with_suffix('.txtpb', tops=('scenarios',)):
        text = tree.text(path)
        for match in re.finditer(r'\b(?:demanded_probe|forbidden_probe|probe)\s*:\s*"([^"]*)"', text):
            if match.group(1) not in names and not text[text.rfind('\n', 0, match.start()) + 1:].startswith('#'):
                yield Finding(path, line_of(text, match.start()), f'no code reaches the probe "{match.group(1)}"')
