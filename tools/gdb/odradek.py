"""Fibers in gdb: `odradek fibers` and `odradek bt ID|NAME|all`. README.md of this folder says how to use it.

A suspended fiber is a stack whose newest frame is the call of jump_fcontext in WaitQueue::WaitUntil, or in what it calls.
Those calls leave a return address on the stack, and the fiber or the scheduler is among the registers that were saved
below it: that is how schedulers are found, in a process and in a core file, without any root that the program would have to keep."""
import re
import struct

import gdb

LAYOUT_SYMBOL = 'odradek::fiber::Scheduler::EntryPoint::kLayout'
LAYOUT_VERSION = 1
LAYOUT_FIELDS = ('live', 'current', 'scheduler', 'id', 'name', 'state', 'started', 'killed', 'timer', 'context', 'stack')
STATES = ('idle', 'ready', 'running', 'waiting')

SUSPENDING = ('odradek::fiber::Scheduler::Suspend(odradek::fiber::Fiber&)',
              'odradek::fiber::Scheduler::LeaveIfKilled(odradek::fiber::Fiber&)',
              'odradek::fiber::WaitQueue::WaitUntil(odradek::fiber::Fiber&, odradek::MonoTime)')

# What jump_fcontext saves below a stack pointer: Boost.Context, jump_x86_64_sysv_elf_gas.S.
CONTEXT_REGISTERS = {'r12': 0x10, 'r13': 0x18, 'r14': 0x20, 'r15': 0x28, 'rbx': 0x30, 'rbp': 0x38}
CONTEXT_RIP = 0x40
BELOW_ALL_FRAMES = 'make_fcontext'
# Slots of the frame of Suspend in which an unoptimised build keeps its arguments.
FRAME_SLOTS = range(-0x80, 0, 8)
FRAMES_MAX = 100
PAGE_BYTES = 4096
CHUNK_BYTES = 1 << 20
LIVE_MAX = 10_000_000


def memory(address, size):
    return gdb.selected_inferior().read_memory(address, size).tobytes()


def word(address):
    return struct.unpack('<Q', memory(address, 8))[0]


def read_layout():
    """Offsets by name."""
    symbol = gdb.lookup_static_symbol(LAYOUT_SYMBOL)
    try:
        address = int(symbol.value().address) if symbol else int(gdb.parse_and_eval(f"&'{LAYOUT_SYMBOL}'"))
        numbers = struct.unpack('<12I', memory(address, 48))
    except gdb.error:
        raise gdb.GdbError('this program has no fibers of Odradek') from None
    if numbers[0] != LAYOUT_VERSION:
        raise gdb.GdbError(f'the table of fibers has version {numbers[0]}, this script reads {LAYOUT_VERSION}')
    return dict(zip(LAYOUT_FIELDS, numbers[1:]))


def return_addresses():
    """Behind the calls in the functions that switch away from a fiber: where suspended fibers go on."""
    found = []
    for name in SUSPENDING:
        try:
            start = int(gdb.parse_and_eval(f"&'{name}'"))
        except gdb.error:
            continue  # inlined everywhere
        block = gdb.block_for_pc(start)
        while block is not None and (block.function is None or block.superblock.function is not None):
            block = block.superblock
        end = block.end if block is not None else start + 400
        instructions = gdb.selected_inferior().architecture().disassemble(start, end - 1)
        found += [i['addr'] + i['length'] for i in instructions if i['asm'].startswith('call')]
    return found


def writable_ranges():
    """Of memory that belongs to no file, in a process or in its core."""
    listed = gdb.execute('info proc mappings', to_string=True)
    pattern = r'^\s*(0x[0-9a-f]+)\s+(0x[0-9a-f]+)\s+0x[0-9a-f]+\s+0x[0-9a-f]+\s+rw-?[\w-]*\s*(\S*)$'
    ranges = [(int(a, 16), int(b, 16)) for a, b, name in re.findall(pattern, listed, re.MULTILINE)
              if not name.startswith('/') and name not in ('[vvar]', '[vsyscall]')]
    if not ranges:
        listed = gdb.execute('maintenance info sections', to_string=True)
        pattern = r'(0x[0-9a-f]+)->(0x[0-9a-f]+) at 0x[0-9a-f]+: load\w+ ALLOC LOAD HAS_CONTENTS$'
        ranges = [(int(a, 16), int(b, 16)) for a, b in re.findall(pattern, listed, re.MULTILINE)]
    return ranges


def readable(begin, end):
    """(address, bytes) of what can be read: stacks have guard pages in the middle of their mapping."""
    if end - begin > CHUNK_BYTES:
        for at in range(begin, end, CHUNK_BYTES):
            yield from readable(at, min(at + CHUNK_BYTES, end))
        return
    try:
        yield begin, memory(begin, end - begin)
    except gdb.MemoryError:
        if end - begin > PAGE_BYTES:
            middle = begin + (end - begin) // 2 // PAGE_BYTES * PAGE_BYTES
            yield from readable(begin, middle)
            yield from readable(middle, end)


def find_all(patterns, begin, end):
    """Addresses of words that are one of the patterns."""
    for start, text in readable(begin, end):
        for pattern in patterns:
            at = text.find(pattern)
            while at >= 0:
                if (start + at) % 8 == 0:
                    yield start + at
                at = text.find(pattern, at + 1)


class Fiber:
    def __init__(self, layout, address):
        self.address = address
        self.scheduler = word(address + layout['scheduler'])
        self.id = word(address + layout['id'])
        length, text = word(address + layout['name']), word(address + layout['name'] + 8)
        self.name = memory(text, length).decode('utf-8', 'replace') if 0 < length < 200 else '?'
        self.state = STATES[memory(address + layout['state'], 1)[0] % len(STATES)]
        self.started = memory(address + layout['started'], 1)[0] != 0
        self.killed = memory(address + layout['killed'], 1)[0] != 0
        self.has_timer = word(address + layout['timer']) != 0
        self.context = word(address + layout['context'])
        self.stack_low = word(address + layout['stack'])
        self.stack_bytes = word(address + layout['stack'] + 8)

    def status(self):
        status = self.state if self.started else 'not started'
        if self.state == 'waiting' and self.has_timer:
            status += ' with a deadline'
        return status + (', killed' if self.killed else '')

    def frames(self):
        """Addresses of code, the newest first."""
        if not self.started or self.state not in ('waiting', 'ready'):
            return
        yield word(self.context + CONTEXT_RIP)
        frame = word(self.context + CONTEXT_REGISTERS['rbp'])
        for _ in range(FRAMES_MAX):
            if not self.stack_low <= frame <= self.stack_low + self.stack_bytes - 16:
                return
            address = word(frame + 8)
            if address == 0:
                return
            yield address
            following = word(frame)
            if following <= frame:
                return
            frame = following


class Scheduler:
    def __init__(self, layout, address):
        self.address = address
        begin, end = word(address + layout['live']), word(address + layout['live'] + 8)
        if not begin < end or (end - begin) % 8 or (end - begin) // 8 > LIVE_MAX:
            raise ValueError('no scheduler')
        pointers = struct.unpack(f'<{(end - begin) // 8}Q', memory(begin, end - begin))
        self.current = word(address + layout['current'])
        self.fibers = [Fiber(layout, pointer) for pointer in pointers]
        if any(fiber.scheduler != address for fiber in self.fibers):
            raise ValueError('no scheduler')

    def kind(self):
        """Whose fibers they are: the class of the executor, the first thing in a scheduler."""
        text = gdb.execute(f'info symbol {word(word(self.address))}', to_string=True)
        found = re.search(r'vtable for (\S+)', text)
        return found.group(1) if found else 'executor'


def try_scheduler(layout, value, seen):
    """Whether a saved word points to a scheduler, or to a fiber, which names its scheduler."""
    candidates = [value]
    try:
        candidates.append(word(value + layout['scheduler']))
    except gdb.MemoryError:
        return
    for address in candidates:
        if address in seen or address % 8 or address == 0:
            continue
        seen[address] = None
        try:
            seen[address] = Scheduler(layout, address)
        except (gdb.MemoryError, ValueError, struct.error, OverflowError):
            pass


def find_schedulers():
    layout = read_layout()
    seen = {}
    patterns = [struct.pack('<Q', address) for address in return_addresses()]
    for begin, end in writable_ranges():
        for at in find_all(patterns, begin, end):
            context = at - CONTEXT_RIP
            try:
                for offset in CONTEXT_REGISTERS.values():
                    try_scheduler(layout, word(context + offset), seen)
                frame = word(context + CONTEXT_REGISTERS['rbp'])
                for slot in FRAME_SLOTS:
                    try_scheduler(layout, word(frame + slot), seen)
            except gdb.MemoryError:
                continue
    return sorted((s for s in seen.values() if s is not None), key=lambda s: s.address)


def describe(address):
    """"function at file:line" of a return address; of a function that was inlined, with the one that it is in."""
    names = []
    block = gdb.block_for_pc(address - 1)
    while block is not None and not block.is_global and not block.is_static:
        if block.function is not None:
            names.append(block.function.print_name)
        block = block.superblock
    if not names:
        text = gdb.execute(f'info symbol {address - 1}', to_string=True)
        names = [text.split(' in section')[0].strip()]
    line = gdb.find_pc_line(address - 1)
    where = f' at {line.symtab.filename}:{line.line}' if line.symtab is not None else ''
    return ' in '.join(names) + where


class Odradek(gdb.Command):
    """Fibers of Odradek: odradek fibers | bt ID|NAME|all."""

    def __init__(self):
        super().__init__('odradek', gdb.COMMAND_STACK, prefix=True)


class Fibers(gdb.Command):
    """Every scheduler with its fibers: id, state, name."""

    def __init__(self):
        super().__init__('odradek fibers', gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        for number, scheduler in enumerate(find_schedulers(), 1):
            print(f'scheduler {number} of {scheduler.kind()} at {scheduler.address:#x}: '
                  f'{len(scheduler.fibers)} fibers')
            for fiber in scheduler.fibers:
                print(f'  {fiber.id:>6}  {fiber.status():<24} {fiber.name}')


class Backtrace(gdb.Command):
    """Where fibers wait: odradek bt ID|NAME|all."""

    def __init__(self):
        super().__init__('odradek bt', gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        wanted = argument.strip()
        if not wanted:
            raise gdb.GdbError('which? odradek bt ID, or a name, or all')
        found = False
        for number, scheduler in enumerate(find_schedulers(), 1):
            for fiber in scheduler.fibers:
                if wanted not in ('all', str(fiber.id), fiber.name):
                    continue
                found = True
                print(f'scheduler {number}, fiber {fiber.id} "{fiber.name}": {fiber.status()}')
                if fiber.state == 'running':
                    print('  it runs: `bt` of its thread shows it')
                for depth, text in enumerate(map(describe, fiber.frames())):
                    if not text.startswith(BELOW_ALL_FRAMES):
                        print(f'  #{depth:<2} {text}')
        if not found:
            raise gdb.GdbError(f'there is no fiber "{wanted}"')


Odradek()
Fibers()
Backtrace()
