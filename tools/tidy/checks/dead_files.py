"""No file is dead: sources are compiled, tests are registered, headers are included, schemas have their code."""
import json
import os
import re

from .tree import Finding, TidyError


def compiled_sources(tree):
    """Sources that some target of the build compiles, unity batches resolved."""
    database = tree.build / 'compile_commands.json'
    if not database.exists():
        raise TidyError(f'{database} is missing: configure the build first (cmake --preset test)')
    compiled = set()
    for entry in json.loads(database.read_text()):
        path = os.path.realpath(os.path.join(entry['directory'], entry['file']))
        if '/Unity/unity_' in path:
            try:
                with open(path, encoding='utf-8') as unity:
                    compiled.update(re.findall(r'^#include "([^"]+)"', unity.read(), re.MULTILINE))
            except FileNotFoundError:
                continue
        else:
            compiled.add(path)
    root = os.path.realpath(tree.root)
    return {os.path.relpath(os.path.realpath(path), root) for path in compiled}


def named_in_cmake(tree, path):
    """Whether a CMakeLists.txt of the folder or above names the file, or its pattern for programs that only some
    builds have (fuzzers)."""
    name = os.path.basename(path)
    folder = os.path.dirname(path)
    while folder:
        text = tree.text(f'{folder}/CMakeLists.txt') if f'{folder}/CMakeLists.txt' in tree.files else ''
        if re.search(rf'(?<![\w.]){re.escape(name)}(?![\w.])', text):
            return True
        if name.startswith('fuzz_') and 'fuzz_*.cc' in text:
            return True
        folder = os.path.dirname(folder)
    return False


def check(tree):
    findings = []
    compiled = compiled_sources(tree)
    for path in tree.with_suffix('.cc'):
        if path in compiled or named_in_cmake(tree, path):
            continue
        what = 'this test is registered in no target' if path.endswith('_test.cc') else 'no target compiles this file'
        findings.append(Finding(path, 1, what))
    for path in tree.with_suffix('_test.py', tops=('tests',)):
        if not named_in_cmake(tree, path):
            findings.append(Finding(path, 1, 'no CMakeLists.txt registers this test'))
    included = set()
    for path in tree.with_suffix('.h', '.cc'):
        for _, target, _ in tree.includes(path):
            # By its path from the top, or, in a project of its own, from where it is included.
            included.update((target, os.path.normpath(os.path.join(os.path.dirname(path), target))))
    for path in tree.with_suffix('.h'):
        if path not in included:
            findings.append(Finding(path, 1, 'nothing includes this header'))
    findings += check_schemas(tree)
    return findings


def check_schemas(tree):
    findings = []
    schemas = {os.path.basename(path)[:-4]: path for path in tree.with_suffix('.msg')}
    generated = {path for path in tree.files if path.startswith('engine/protocol/generated/')}
    for name, path in schemas.items():
        for suffix in ('.h', '.cc'):
            if f'engine/protocol/generated/{name}{suffix}' not in generated:
                findings.append(Finding(path, 1, f'generated/{name}{suffix} is missing: run the generator'))
    # Tables over all messages belong to no schema; a message's own code is a pair of both suffixes.
    pairs = {path[:-2] for path in generated if path.endswith('.h')} & \
            {path[:-3] for path in generated if path.endswith('.cc')}
    for path in sorted(pairs):
        if os.path.basename(path) not in schemas:
            findings.append(Finding(f'{path}.cc', 1, 'generated code without a schema'))
    return findings
