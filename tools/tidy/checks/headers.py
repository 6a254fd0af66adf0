"""Headers stand alone: each compiles as the first thing of a file, opens with a comment and guards itself.

Compiling 200 headers that all parse the same standard headers takes minutes. So: the system headers of the whole tree
are one precompiled prefix, each header is compiled behind it (that finds missing headers of ours), and the names of the
standard library that a header uses must come from its own includes (that finds missing standard ones). With --thorough
each is compiled without the prefix instead. The build directory remembers what compiled.
"""
import concurrent.futures
import hashlib
import os
import re
import tempfile

from .tree import CODE_TOPS, Finding, TidyError, line_of, run_tool

COMPILER = 'clang++-16'
FLAGS = ['-std=c++20', '-fsyntax-only', '-Wno-everything']
WORKERS = os.cpu_count() or 2
BATCH_HEADERS = 4

# std::name -> the headers that promise it.
STANDARD = {
    'vector': 'vector', 'string': 'string', 'to_string': 'string', 'string_view': 'string_view', 'map': 'map',
    'multimap': 'map', 'set': 'set', 'multiset': 'set', 'deque': 'deque', 'list': 'list', 'array': 'array',
    'span': 'span', 'optional': 'optional', 'nullopt': 'optional', 'variant': 'variant', 'visit': 'variant',
    'monostate': 'variant', 'holds_alternative': 'variant', 'unique_ptr': 'memory', 'shared_ptr': 'memory', 'weak_ptr': 'memory',
    'make_unique': 'memory', 'make_shared': 'memory', 'function': 'functional', 'unordered_map': 'unordered_map',
    'unordered_set': 'unordered_set', 'priority_queue': 'queue', 'queue': 'queue', 'tuple': 'tuple', 'tie': 'tuple',
    'numeric_limits': 'limits', 'bit_width': 'bit', 'countl_zero': 'bit', 'has_single_bit': 'bit', 'bit_cast': 'bit',
    'memcpy': 'cstring', 'memcmp': 'cstring', 'memset': 'cstring', 'atomic': 'atomic', 'mutex': 'mutex',
    'thread': 'thread', 'FILE': 'cstdio', 'fprintf': 'cstdio', 'sort': 'algorithm', 'lower_bound': 'algorithm',
    'upper_bound': 'algorithm', 'find_if': 'algorithm', 'any_of': 'algorithm', 'all_of': 'algorithm',
    'initializer_list': 'initializer_list', 'bitset': 'bitset',
}
# Headers that are there to give more than their name says.
ALSO = {'string': ('string_view', 'initializer_list'), 'map': ('utility',), 'vector': ('initializer_list',)}


def check(tree):
    headers = tree.with_suffix('.h')
    findings = []
    for path in headers:
        findings += check_shape(tree, path)
        findings += check_standard_names(tree, path)
    findings += compile_headers(tree, headers)
    return findings


def check_shape(tree, path):
    text = tree.text(path)
    if not text.startswith('//'):
        yield Finding(path, 1, 'a header opens with a comment: what it is, who owns it, may it suspend')
    if '#pragma once' not in text:
        yield Finding(path, 1, 'no #pragma once')


def system_includes(tree, path, seen):
    """The system headers that a header of ours brings, through our own headers, too."""
    if path in seen or path not in tree.files:
        return set()
    seen.add(path)
    found = set()
    for _, target, is_system in tree.includes(path):
        if is_system:
            found.update((target, *ALSO.get(target, ())))
        else:
            found |= system_includes(tree, target, seen)
    return found


def check_standard_names(tree, path):
    code = tree.code(path)
    present = system_includes(tree, path, set())
    reported = set()
    for match in re.finditer(r'\bstd::(\w+)', code):
        header = STANDARD.get(match.group(1))
        if header and header not in present and header not in reported:
            reported.add(header)
            yield Finding(path, line_of(code, match.start()), f'uses std::{match.group(1)} without <{header}>')


def compile_headers(tree, headers):
    """What compiled before and has not changed since, with all that it includes, is not compiled again."""
    cache = tree.build / 'tidy_headers.cache'
    known = set(cache.read_text().split()) if cache.exists() else set()
    keys = {path: fingerprint(tree, path) for path in headers}
    todo = [path for path in headers if keys[path] not in known]
    findings = []
    with tempfile.TemporaryDirectory() as folder:
        flags = [*FLAGS, '-I', str(tree.root), '-I', str(tree.build)]
        if todo and not tree.thorough:
            flags += make_prefix(tree, headers, folder, flags)
        batches = [todo[i:i + BATCH_HEADERS] for i in range(0, len(todo), BATCH_HEADERS)]
        with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
            for output in pool.map(lambda batch: compile_batch(tree, flags, batch), batches):
                findings += read_errors(tree, output)
    bad = {finding.path for finding in findings}
    if cache.parent.exists():
        cache.write_text('\n'.join(sorted(keys[path] for path in headers if path not in bad)))
    return findings


def fingerprint(tree, path):
    texts = {}

    def collect(one):
        if one in texts or one not in tree.files:
            return
        texts[one] = tree.text(one)
        for _, target, _ in tree.includes(one):
            collect(target)

    collect(path)
    whole = [path, COMPILER, *FLAGS, 'thorough' if tree.thorough else ''] + [texts[one] for one in sorted(texts)]
    return hashlib.sha256('\0'.join(whole).encode()).hexdigest()


def make_prefix(tree, headers, folder, flags):
    wanted = sorted({target for path in headers for _, target, is_system in tree.includes(path)
                     if is_system or target.split('/')[0] not in CODE_TOPS})
    prefix = os.path.join(folder, 'system.h')
    with open(prefix, 'w', encoding='utf-8') as out:
        out.writelines(f'#if __has_include(<{target}>)\n#include <{target}>\n#endif\n' for target in wanted)
    compiled = prefix + '.pch'
    # Instantiated once here instead of at the end of every file behind the prefix.
    instantiate = '-fpch-instantiate-templates'
    flags = [flag for flag in flags if flag != '-fsyntax-only']
    done = run_tool([COMPILER, *flags, instantiate, '-x', 'c++-header', prefix, '-o', compiled])
    if done.returncode != 0:
        raise TidyError('the system headers do not compile together:\n' + done.stderr)
    return [instantiate, '-include-pch', compiled]


def compile_batch(tree, flags, batch):
    paths = [str(tree.root / path) for path in batch]
    return run_tool([COMPILER, *flags, '-fno-caret-diagnostics', '-x', 'c++', *paths]).stderr


def read_errors(tree, output):
    seen = set()
    for path, line, message in re.findall(r'^(\S+?):(\d+):\d+: (?:fatal )?error: (.*)$', output, re.MULTILINE):
        path = os.path.relpath(path, tree.root)
        if path not in seen:
            seen.add(path)
            yield Finding(path, int(line), f'does not compile alone: {message}')
