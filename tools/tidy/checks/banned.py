"""Text that must not stand where it stands: ambient time, randomness and threads in the engine, order of hash
containers, swallowed exceptions, promises in comments, paths of one machine."""
import re
from typing import NamedTuple

from .tree import Finding, line_of

# Written in halves: this file is checked, too.
PROMISES = r'\b(?:TO' + r'DO|FIX' + r'ME|XX' + r'X|HA' + r'CK)\b'
MACHINE_PATHS = r'(?<![\w.$}])/(?:wo' + r'rk|ro' + r'ot|ho' + r'me|Us' + r'ers)/[\w.]+'
REGISTRIES = (r'\b(?:deb\.debian\.org|security\.debian\.org|pypi\.org|files\.pythonhosted\.org|registry\.npmjs\.org|'
              r'crates\.io|proxy\.golang\.org|repo1\.maven\.org|repo\.maven\.apache\.org|rubygems\.org|'
              r'hub\.docker\.com)\b')

SYSTEM_HEADERS = ('chrono|thread|mutex|shared_mutex|condition_variable|future|random|filesystem|fstream|regex|ctime|'
                  'stop_token|semaphore|latch|barrier|iostream|unistd.h|pthread.h|time.h|sys/time.h|fcntl.h|'
                  'sys/socket.h|sys/stat.h|sys/epoll.h|netdb.h|poll.h|signal.h|dirent.h|spdlog/[^>]*|'
                  'absl/random/[^>]*|absl/time/[^>]*|absl/synchronization/[^>]*')
PURE = ('engine/raft/', 'engine/metadata/', 'engine/replication/', 'engine/producers/', 'engine/transactions/',
        'engine/groups/')
# Threads, clocks and files of the operating system are its business.
ENGINE_REAL = ('engine/real/',)


class Rule(NamedTuple):
    pattern: str
    message: str
    where: tuple = ('engine/', 'sim/', 'properties/', 'tools/', 'tests/')
    but: tuple = ()
    suffixes: tuple = ('.h', '.cc')
    raw: bool = False  # look into comments and literals, too


RULES = [
    Rule(r'#\s*include\s*<(?:' + SYSTEM_HEADERS + r')>', 'the engine reaches the world through engine/env only',
         ('engine/', 'properties/'), ENGINE_REAL),
    Rule(r'#\s*include\s*<(?:chrono|thread|mutex|random|regex|absl/random/[^>]*|absl/time/[^>]*)>',
         'not under virtual time: sim/kernel has the clock and the draws', ('sim/',), ('sim/explore/',)),
    Rule(r'#\s*include\s*<(?:thread|chrono|functional|iostream|cstdio|cstdlib|absl/log[^>]*)>|'
         r'#\s*include\s*"engine/(?:fiber|env)/', 'a pure folder: no fiber, clock, file, thread or logger', PURE),
    Rule(r'\babsl::(?:BitGen|InsecureBitGen|Now|SleepFor|Mutex|GetCurrentTimeNanos)\b|'
         r'\bstd::(?:random_device|mt19937\w*|default_random_engine|\w+_distribution|shuffle|sample)\b|'
         r'\b(?:rand|srand|random|drand48|getenv|gettimeofday|clock_gettime)\s*\(',
         'ambient time, randomness or environment', ('engine/', 'sim/', 'properties/'),
         ('engine/real/', 'sim/explore/')),
    Rule(r'\bstd::chrono\b|\bstd::this_thread\b|\bstd::j?thread\b|\bthread_local\b',
         'ambient time or threads', ('engine/', 'sim/', 'properties/'), ('engine/real/', 'sim/explore/')),
    Rule(r'\bstd::regex\b', 'takes 700 KB of stack per KB of input', ('engine/', 'sim/', 'properties/', 'tools/')),
    Rule(r'^[ \t]*using\s+namespace\b', 'using namespace in a header', suffixes=('.h',)),
    Rule(r'^using\s+namespace\b', 'using namespace at file scope: a unity batch shares it', suffixes=('.cc',)),
    Rule(r'#\s*include\s*<(?:cassert|assert\.h)>|(?<![\w.])assert\s*\(', 'REQUIRES or INVARIANT: on in every build'),
    Rule(r'(?<!\w)throw\s+(?!fiber::Killed|Killed)\w', 'no exceptions of our own', ('engine/', 'properties/')),
    Rule(r'\b(?:float|double)\b', 'no floating point in decisions',
         ('engine/raft/', 'engine/replication/', 'engine/producers/', 'engine/transactions/')),
    Rule(r'\bsleep_(?:for|until)\b|(?<![\w.])(?:usleep|nanosleep|sleep)\s*\(', 'tests sleep only in tests/real',
         ('tests/',), ('tests/real/', 'tests/interop/', 'tests/bench/')),
    Rule(r'\bGTEST_SKIP\b|\bDISABLED_\w+', 'a skipped test', ('tests/',)),
    Rule(r'\b(?:reinterpret_cast<\s*u?intptr_t|hash<\s*\w+\s*\*\s*>)|(?:map|set)<\s*(?:const\s+)?[\w:]+\s*\*\s*[,>]',
         'a pointer as a key or a number: its value differs between runs', ('engine/', 'sim/', 'properties/'),
         ('engine/real/',)),
    Rule(PROMISES, 'say it in an issue, not in the code', raw=True, suffixes=('.h', '.cc', '.py', '.txt', '.msg', '')),
    Rule(MACHINE_PATHS, 'a path of one machine', ('',), raw=True,
         suffixes=('.h', '.cc', '.py', '.txt', '.msg', '.md', '.json', '.cmake', '.txtpb', '.sh', '')),
    Rule(REGISTRIES, 'a host of a package registry: whoever runs this decides where packages come from', ('',),
         ('tools/tidy/checks/banned.py', 'tests/tools/tidy/'), raw=True,
         suffixes=('.h', '.cc', '.py', '.txt', '.md', '.json', '.cmake', '.sh', '')),
]


def applies(rule, path):
    name = path.rsplit('/', 1)[-1]
    suffix = '.' + name.rsplit('.', 1)[-1] if '.' in name else ''
    return suffix in rule.suffixes and path.startswith(rule.where) and not path.startswith(rule.but or ('\0',))


def check(tree):
    findings = []
    for path in tree.files:
        rules = [rule for rule in RULES if applies(rule, path)]
        for rule in rules:
            text = tree.text(path) if rule.raw else tree.code(path)
            for match in re.finditer(rule.pattern, text, re.MULTILINE):
                token = ' '.join(match.group(0).split())
                findings.append(Finding(path, line_of(text, match.start()), f'"{token}": {rule.message}'))
    for path in tree.with_suffix('.h', '.cc'):
        findings += check_swallowed(tree, path)
        if not path.startswith(('tests/', 'tools/')):
            findings += check_hash_order(tree, path)
    return findings


def matching_brace(code, open_position):
    depth = 0
    for position in range(open_position, len(code)):
        if code[position] == '{':
            depth += 1
        elif code[position] == '}':
            depth -= 1
            if depth == 0:
                return position
    return len(code)


def check_swallowed(tree, path):
    """A handler of everything that does not rethrow would keep a killed fiber alive."""
    code = tree.code(path)
    for match in re.finditer(r'\bcatch\s*\(\s*\.\.\.\s*\)\s*\{', code):
        body = code[match.end():matching_brace(code, match.end() - 1)]
        if not re.search(r'\bthrow\s*;', body):
            yield Finding(path, line_of(code, match.start()), 'catch (...) without throw;')


def hash_names(tree, path):
    """Names declared as hash containers in the file or in the header of the same name."""
    names = set()
    siblings = {path, re.sub(r'\.cc$', '.h', path)}
    for sibling in siblings:
        if sibling not in tree.files:
            continue
        code = tree.code(sibling)
        for match in re.finditer(r'\b(?:std::unordered_\w+|absl::(?:flat|node)_hash_\w+)\s*<', code):
            depth, position = 1, match.end()
            while position < len(code) and depth > 0:
                depth += {'<': 1, '>': -1}.get(code[position], 0)
                position += 1
            name = re.match(r'[&\s]*(\w+)\s*[;={(,)]', code[position:position + 200])
            if name:
                names.add(name.group(1))
    return names


def check_hash_order(tree, path):
    code = tree.code(path)
    for name in hash_names(tree, path):
        pattern = (rf'for\s*\([^;()]*:\s*(?:\w+(?:\.|->))*{name}\s*\)|\b{name}\s*\.\s*c?begin\s*\(|'
                   rf'\berase_if\s*\(\s*{name}\b')
        for match in re.finditer(pattern, code):
            yield Finding(path, line_of(code, match.start()), f'iterates over the hash container {name}: its order '
                                                              'differs between runs')
