#!/usr/bin/python3
"""Shows for every check of tools/tidy that a clean tree passes and that each kind of finding is found where it is."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

RUN = sys.argv.pop(1) if len(sys.argv) > 1 else str(pathlib.Path(__file__).parents[3] / 'tools/tidy/run')

HEADER = '// A header.\n#pragma once\n'


class TidyTest(unittest.TestCase):
    """A small tree that every check accepts; each test breaks it in one way."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = pathlib.Path(self.folder.name)
        self.write('.clang-format', 'BasedOnStyle: Google\nColumnLimit: 120\n')
        self.write('tools/tidy/layers.txt', 'engine/low:\nengine/high: engine/low\nengine/other: engine/low\n')
        self.write('tools/tidy/ratchet.txt', '# nothing\n')
        self.write('tools/tidy/symbols.txt', 'forbid clock_gettime getenv\nallow engine/high getenv\n')
        self.write('tools/README.md', 'tools\n')
        for name, links in (('low', ''), ('high', ' LINKS odradek_low'), ('other', ' LINKS odradek_low')):
            self.write(f'engine/{name}/CMakeLists.txt', f'odradek_library(odradek_{name}{links})\n')
            self.write(f'engine/{name}/README.md', f'{name}\n')
            self.write(f'engine/{name}/{name}.h', HEADER + f'\nint {name.title()}();\n')
            self.write(f'engine/{name}/{name}.cc',
                       f'#include "engine/{name}/{name}.h"\n\nint {name.title()}() {{ return 1; }}\n')

    def write(self, path, text):
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding='utf-8')

    def configure(self, but=()):
        """A build directory in which every source is compiled but the given ones: one unity batch."""
        sources = sorted(p for p in self.root.rglob('*.cc') if str(p.relative_to(self.root)) not in but)
        unity = self.root / 'build/test/Unity/unity_0_cxx.cxx'
        unity.parent.mkdir(parents=True, exist_ok=True)
        unity.write_text(''.join(f'#include "{source}"\n' for source in sources))
        (self.root / 'build/test/compile_commands.json').write_text(
            json.dumps([{'directory': str(unity.parent), 'file': str(unity), 'command': ''}]))

    def run_check(self, *arguments):
        return subprocess.run([RUN, '--root', str(self.root), *arguments], capture_output=True, text=True, check=False)

    def expect_clean(self, check):
        done = self.run_check(check)
        self.assertEqual((done.returncode, done.stdout), (0, 'tidy: 0 findings\n'), done.stderr)

    def expect(self, check, place, words):
        done = self.run_check(check)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        lines = [line for line in done.stdout.splitlines() if line.startswith(f'{place}: [{check}]') and words in line]
        self.assertTrue(lines, f'no finding at {place} with "{words}" in:\n{done.stdout}')


class Layers(TidyTest):
    def test_clean(self):
        self.expect_clean('layers')

    def test_include_against_the_matrix(self):
        self.write('engine/low/more.h', HEADER + '#include "engine/high/high.h"\n')
        self.expect('layers', 'engine/low/more.h:3', 'engine/low may not include engine/high')

    def test_link_against_the_matrix(self):
        self.write('engine/low/CMakeLists.txt', '# base\nodradek_library(odradek_low LINKS odradek_other)\n')
        self.expect('layers', 'engine/low/CMakeLists.txt:2', 'engine/low may not include engine/other')

    def test_include_without_link(self):
        self.write('engine/high/CMakeLists.txt', 'odradek_library(odradek_high)\n')
        self.write('engine/high/more.h', HEADER + '#include "engine/low/low.h"\n')
        self.expect('layers', 'engine/high/more.h:3', 'do not link')

    def test_folder_without_a_line(self):
        self.write('engine/new/new.h', HEADER)
        self.expect('layers', 'engine/new/new.h:1', 'no line')

    def test_circle(self):
        self.write('tools/tidy/layers.txt', 'engine/low: engine/high\nengine/high: engine/low\nengine/other:\n')
        self.expect('layers', 'tools/tidy/layers.txt:1', 'circle')

    def test_include_in_a_comment_is_none(self):
        self.write('engine/low/more.h', HEADER + '// #include "engine/high/high.h"\n')
        self.expect_clean('layers')


class Banned(TidyTest):
    def expect_banned(self, path, line, words):
        self.write(path, HEADER + line + '\n')
        self.expect('banned', f'{path}:3', words)
        (self.root / path).unlink()

    def test_clean(self):
        self.expect_clean('banned')

    def test_each_rule(self):
        engine = 'engine/low/bad.h'
        self.expect_banned(engine, '#include <chrono>', 'through engine/env')
        self.expect_banned(engine, '#include <unistd.h>', 'through engine/env')
        self.expect_banned('sim/kernel/bad.h', '#include <random>', 'virtual time')
        self.expect_banned('engine/producers/bad.h', '#include "engine/fiber/fiber.h"', 'pure folder')
        self.expect_banned('engine/producers/bad.h', 'double share;', 'floating point')
        self.expect_banned(engine, 'absl::BitGen gen;', 'ambient')
        self.expect_banned(engine, 'std::mt19937_64 gen;', 'ambient')
        self.expect_banned(engine, 'const char* home = getenv("X");', 'ambient')
        self.expect_banned(engine, 'thread_local int depth;', 'threads')
        self.expect_banned(engine, 'std::regex pattern;', 'stack')
        self.expect_banned(engine, 'using namespace std;', 'header')
        self.expect_banned('engine/low/bad.cc', 'using namespace std;', 'file scope')
        self.expect_banned(engine, 'inline void F(int x) { assert(x > 0); }', 'INVARIANT')
        self.expect_banned(engine, 'inline void F() { throw 1; }', 'exceptions')
        self.expect_banned(engine, 'std::map<Node*, int> nodes;', 'pointer')
        self.expect_banned('tests/low/bad_test.cc', 'void F() { usleep(1); }', 'sleep')
        self.expect_banned('tests/low/bad_test.cc', 'void F() { GTEST_' + 'SKIP() << "no disk here"; }', 'skipped')
        self.expect_banned(engine, '// TO' + 'DO: later', 'issue')
        self.expect_banned(engine, '// see /ho' + 'me/me/notes', 'one machine')
        self.expect_banned(engine, '// from deb.debian' + '.org', 'registry')

    def test_swallowed_exception(self):
        self.write('engine/low/low.cc', 'void F() {\n  try {\n    G();\n  } catch (...) {\n    Log("throw");\n  }\n}\n')
        self.expect('banned', 'engine/low/low.cc:4', 'catch (...)')
        self.write('engine/low/low.cc', 'void F() {\n  try {\n    G();\n  } catch (...) {\n    throw;\n  }\n}\n')
        self.expect_clean('banned')

    def test_order_of_a_hash_container(self):
        self.write('engine/low/low.h', HEADER + 'class C {\n  absl::flat_hash_map<int, std::vector<int>> ids_;\n};\n')
        self.write('engine/low/low.cc', '#include "engine/low/low.h"\n\nvoid C::F() {\n'
                   '  for (auto& [id, v] : ids_) G(v);\n}\n')
        self.expect('banned', 'engine/low/low.cc:4', 'ids_')

    def test_comments_and_literals_are_no_code(self):
        self.write('engine/low/bad.h', HEADER + '// std::regex\nconst char* kText = "std::regex \\" std::regex";\n'
                   'constexpr int kMany = 1\'000\'000;  // it\'s std::regex\nconst char* kRaw = R"(std::regex ")";\n')
        self.expect_clean('banned')


class Headers(TidyTest):
    def test_clean(self):
        self.expect_clean('headers')

    def test_missing_include_of_ours(self):
        self.write('engine/low/type.h', HEADER + 'struct Type {};\n')
        self.write('engine/high/more.h', HEADER + 'inline Type Make() { return {}; }\n')
        self.expect('headers', 'engine/high/more.h:3', 'Type')

    def test_missing_standard_include(self):
        self.write('engine/low/more.h', HEADER + '\n#include <string>\n\nstd::vector<std::string> Names();\n')
        self.expect('headers', 'engine/low/more.h:6', 'std::vector without <vector>')

    def test_standard_include_through_a_header_of_ours(self):
        self.write('engine/low/more.h', HEADER + '#include <vector>\n')
        self.write('engine/high/more.h', HEADER + '#include "engine/low/more.h"\n\nstd::vector<int> Names();\n')
        self.expect_clean('headers')

    def test_no_opening_comment_and_no_guard(self):
        self.write('engine/low/more.h', 'int More();\n')
        self.expect('headers', 'engine/low/more.h:1', 'opens with a comment')
        self.expect('headers', 'engine/low/more.h:1', '#pragma once')

    def test_thorough_compiles_without_a_prefix(self):
        self.write('engine/low/more.h', HEADER + 'inline int More() { return strlen("x"); }\n')
        self.write('engine/low/brings.h', HEADER + '#include <string.h>\n')
        self.expect_clean('headers')
        done = self.run_check('--thorough', 'headers')
        self.assertIn('engine/low/more.h:3: [headers] does not compile alone', done.stdout)


class Symbols(TidyTest):
    def build(self, folder, code):
        target = self.root / 'build/test' / folder
        target.mkdir(parents=True, exist_ok=True)
        (target / 'x.cc').write_text(code)
        subprocess.run(['g++-12', '-std=c++20', '-O1', '-c', 'x.cc', '-o', 'x.o'], cwd=target, check=True)
        name = folder.rsplit('/', 1)[-1]
        subprocess.run(['ar', 'rcs', f'libodradek_{name}.a', 'x.o'], cwd=target, check=True)

    def test_clean(self):
        self.build('engine/low', 'extern const int kTable[2] = {1, 2};\nextern const char* const kName = "x";\n'
                                 'struct B { virtual ~B(); };\nB::~B() {}\n')
        self.expect_clean('symbols')

    def test_forbidden_call(self):
        self.build('engine/low', '#include <time.h>\nvoid F(timespec* t) { clock_gettime(0, t); }\n')
        self.expect('symbols', 'engine/low:1', 'clock_gettime')

    def test_exception_holds_for_its_folder_only(self):
        self.build('engine/high', '#include <stdlib.h>\nchar* F() { return getenv("X"); }\n')
        self.expect_clean('symbols')
        self.build('engine/low', '#include <stdlib.h>\nchar* F() { return getenv("X"); }\n')
        self.expect('symbols', 'engine/low:1', 'getenv')

    def test_mutable_statics(self):
        self.build('engine/low', 'int g_count = 0;\nint Next() { static int last = 7; return ++last + g_count; }\n')
        self.expect('symbols', 'engine/low:1', 'g_count')
        self.expect('symbols', 'engine/low:1', 'Next()::last')

    def test_no_build(self):
        done = self.run_check('symbols')
        self.assertEqual(done.returncode, 2)
        self.assertIn('build first', done.stderr)


class DeadFiles(TidyTest):
    def include_all(self):
        """The headers of the clean tree are included by their sources; so are those of the tests."""
        self.configure()

    def test_clean(self):
        self.include_all()
        self.expect_clean('dead_files')

    def test_source_that_nothing_compiles(self):
        self.write('engine/low/lost.cc', 'int Lost() { return 1; }\n')
        self.configure(but=['engine/low/lost.cc'])
        self.expect('dead_files', 'engine/low/lost.cc:1', 'no target compiles')

    def test_test_that_is_registered_nowhere(self):
        self.write('tests/engine/low/low_test.cc', 'int x;\n')
        self.configure(but=['tests/engine/low/low_test.cc'])
        self.expect('dead_files', 'tests/engine/low/low_test.cc:1', 'registered in no target')

    def test_python_test_that_is_registered_nowhere(self):
        self.configure()
        self.write('tests/tools/x/CMakeLists.txt', 'add_test(NAME other COMMAND xx_test.py)\n')
        self.write('tests/tools/x/x_test.py', '')
        self.expect('dead_files', 'tests/tools/x/x_test.py:1', 'registers')

    def test_header_that_nothing_includes(self):
        self.configure()
        self.write('engine/low/lost.h', HEADER)
        self.expect('dead_files', 'engine/low/lost.h:1', 'nothing includes')

    def test_schema_and_generated_code_come_together(self):
        self.write('engine/protocol/schema/fetch.msg', 'x\n')
        self.write('engine/protocol/generated/produce.h', HEADER)
        self.write('engine/protocol/generated/produce.cc', '#include "engine/protocol/generated/produce.h"\n')
        self.configure()
        self.expect('dead_files', 'engine/protocol/schema/fetch.msg:1', 'generated/fetch.cc is missing')
        self.expect('dead_files', 'engine/protocol/generated/produce.cc:1', 'without a schema')


class Format(TidyTest):
    def test_clean(self):
        self.expect_clean('format')

    def test_unformatted(self):
        self.write('engine/low/low.h', HEADER + '\nint   Low( );\n')
        self.expect('format', 'engine/low/low.h:4', 'clang-format')


class Length(TidyTest):
    def long_function(self, lines):
        return 'int Long(int x) {\n' + '  ++x;\n' * (lines - 3) + '  return x;\n}\n'

    def test_clean(self):
        self.write('engine/low/low.cc', self.long_function(70))
        self.expect_clean('length')

    def test_long_files(self):
        self.write('engine/low/low.h', '//\n' * 301)
        self.write('engine/low/low.cc', '//\n' * 601)
        self.expect('length', 'engine/low/low.h:1', '301 lines, 300 at most')
        self.expect('length', 'engine/low/low.cc:1', '601 lines, 600 at most')

    def test_long_functions_of_every_shape(self):
        heads = ['void A::Long(int x) const {', 'A::Long(int x) : a_(x), b_{x} {', 'template <class T> T Long(T x) {',
                 'auto Long() -> std::vector<int> {', 'TEST(A, Long) {', 'bool operator<(const A& a, const A& b) {',
                 'class A {\n  int a = 1;\n  void Long() override {', 'namespace n {\nnamespace {\nstatic int Long() {']
        for head in heads:
            self.write('engine/low/low.cc', head + '\n' + '  if (x) { F([] { G(); }); }\n' * 70 + '}\n}\n}\n')
            self.expect('length', f'engine/low/low.cc:{head.count(chr(10)) + 1}', 'function')

    def test_ratchet_allows_what_it_lists_and_no_more(self):
        self.write('engine/low/low.cc', self.long_function(80))
        self.write('tools/tidy/ratchet.txt', 'engine/low/low.cc:Long 80\n')
        self.expect_clean('length')
        self.write('engine/low/low.cc', self.long_function(81))
        self.expect('length', 'engine/low/low.cc:1', '81 lines, 80 at most')

    def test_ratchet_only_falls(self):
        self.write('tools/tidy/ratchet.txt', 'engine/low/low.cc:Long 100\n')
        self.write('engine/low/low.cc', self.long_function(80))
        self.expect('length', 'tools/tidy/ratchet.txt:1', 'lower its number to 80')
        self.write('engine/low/low.cc', self.long_function(20))
        self.expect('length', 'tools/tidy/ratchet.txt:1', 'remove its line')


class Probes(TidyTest):
    def setUp(self):
        super().setUp()
        self.write('engine/low/probe.cc', 'void F() {\n  REACHED(world.env().context, "low.reached");\n'
                   '  context.Reached(ok ? "low.yes" : "low.no");\n  // REACHED(context, "low.comment");\n'
                   '  Say("low.said");\n}\n')

    def expect_probe(self, line, name):
        self.write('scenarios/s.txtpb', f'name: "s"\n{line}\n')
        self.expect('probes', 'scenarios/s.txtpb:2', f'no code reaches the probe "{name}"')

    def test_clean(self):
        self.write('scenarios/s.txtpb', 'demanded_probe: "low.reached"\nforbidden_probe: "low.yes"\n'
                   'fault { probe: "low.no" }\n# demanded_probe: "low.gone"\n')
        self.expect_clean('probes')

    def test_a_probe_that_no_code_reaches(self):
        self.expect_probe('demanded_probe: "low.reachd"', 'low.reachd')
        self.expect_probe('forbidden_probe: "low"', 'low')
        self.expect_probe('fault { kind: CRASH_AT_PROBE probe: "low.said" }', 'low.said')
        self.expect_probe('demanded_probe: "low.comment"', 'low.comment')


class Readmes(TidyTest):
    def test_clean(self):
        self.expect_clean('readmes')

    def test_missing(self):
        (self.root / 'engine/low/README.md').unlink()
        self.expect('readmes', 'engine/low:1', 'README.md')


if __name__ == '__main__':
    unittest.main()
