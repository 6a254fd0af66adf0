"""What the compiled libraries ask of the operating system, and which mutable data they have: text rules see what is
written, this sees what is linked. symbols.txt says what is forbidden and who is excepted."""
import os
import re

from .tree import Finding, TidyError, run_tool

DATA = 'tools/tidy/symbols.txt'
_SYMBOL = re.compile(r'^[0-9a-f]+ (.{7}) (\S+)\t[0-9a-f]+ (?:\.hidden )?(\S+)$')
# What the compiler makes for itself.
_COMPILERS_OWN = re.compile(r'DW\.ref\..*|_ZStL8__ioinit|__tsan.*|__asan.*')
_MUTABLE_SECTION = re.compile(r'^\.(?:data|bss|tdata|tbss)(?!\.rel\.ro)')


def read_rules(tree, findings):
    forbidden, allowed, allowed_data = [], [], []
    for number, line in tree.data_lines(DATA):
        kind, *rest = line.split(None, 1)
        words = rest[0].split() if rest else []
        if kind == 'forbid' and words:
            forbidden += [re.compile(word) for word in words]
        elif kind in ('allow', 'allow-data') and len(words) >= 2:
            target = allowed if kind == 'allow' else allowed_data
            target += [(words[0], re.compile(word)) for word in words[1:]]
        else:
            findings.append(Finding(DATA, number, f'expected "forbid NAME...", "allow FOLDER NAME..." or "allow-data '
                                                  f'FOLDER NAME...", got "{line}"'))
    return forbidden, allowed, allowed_data


def is_allowed(rules, folder, name):
    return any((folder == where or folder.startswith(where + '/')) and pattern.fullmatch(name)
               for where, pattern in rules)


def archives(tree):
    """(folder, path) of the libraries of the engine and the simulator."""
    found = []
    for top in ('engine', 'sim', 'properties'):
        for folder, _, names in os.walk(tree.build / top):
            for name in sorted(names):
                if name.startswith('libodradek_') and name.endswith('.a') and not name.endswith('_proto.a'):
                    found.append((os.path.relpath(folder, tree.build), os.path.join(folder, name)))
    if not found:
        raise TidyError(f'no libraries in {tree.build}: build first (cmake --build --preset test)')
    return sorted(found)


def demangle(names):
    done = run_tool(['c++filt', '--', *names]) if names else None
    return dict(zip(names, done.stdout.splitlines())) if done else {}


def check(tree):
    findings = []
    forbidden, allowed, allowed_data = read_rules(tree, findings)
    bad = set()
    for folder, archive in archives(tree):
        done = run_tool(['objdump', '-t', archive])
        if done.returncode != 0:
            raise TidyError(done.stderr.strip())
        for line in done.stdout.splitlines():
            match = _SYMBOL.match(line)
            if not match:
                continue
            flags, section, name = match.groups()
            if section == '*UND*':
                if any(p.fullmatch(name) for p in forbidden) and not is_allowed(allowed, folder, name):
                    bad.add((folder, name, 'asks for {}: the engine reaches the world through engine/env only'))
            elif _COMPILERS_OWN.fullmatch(name):
                continue
            elif 'O' in flags and _MUTABLE_SECTION.match(section) and not is_allowed(allowed_data, folder, name):
                bad.add((folder, name, 'has the mutable static {}: state is passed, never global'))
    shown = demangle(sorted({name for _, name, _ in bad}))
    return findings + [Finding(folder, 1, text.format(shown[name]) + f' ({name})') for folder, name, text in bad]
