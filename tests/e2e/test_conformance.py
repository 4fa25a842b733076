# SPDX-License-Identifier: BSD-3-Clause
"""The plug-in for the public conformance suite: its command line, and programs that no verifier would take."""
import os
import struct
import subprocess

import lib
import raw_programs
from raw_programs import imm64, insn

PLUGIN = os.path.join(lib.BUILD, 'sluice-conformance-plugin')
EXIT = struct.pack('<BBhi', 0x95, 0, 0, 0)
SOFT_AND_CORE = ['interp', 'microcode']
ALL = SOFT_AND_CORE + ['pipeline']


def start(args, stdin):
    return subprocess.run([PLUGIN, *args], input=stdin, capture_output=True, text=True, timeout=300)


def hexed(data):
    return ''.join(f'{b:02x} ' for b in data)


def run(program, memory=b'', executor='interp', *options):
    p = start(([hexed(memory)] if memory else []) + ['--executor', executor, *options], hexed(program))
    assert p.returncode == 0, f'{executor}: {p.stderr}'
    assert p.stderr == ''
    return p.stdout


def gives(r0, program, memory=b'', executors=ALL, after=None):
    for executor in executors:
        out = run(program, memory, executor, '--show-memory').split('\n')
        assert int(out[0], 16) == r0, f'{executor}: r0 is {out[0]}, wanted {r0:x}'
        if after is not None:
            assert bytes.fromhex(out[1]) == after, f'{executor}: memory is {out[1]}'


def faults(program, words, memory=b'', executors=ALL):
    for executor in executors:
        p = start(([hexed(memory)] if memory else []) + ['--executor', executor], hexed(program))
        assert p.returncode == 1 and p.stdout == '', f'{executor}: {p.returncode} {p.stdout}'
        assert words in p.stderr, f'{executor}: {p.stderr}'


SUM = insn(0x79, 0, 1) + insn(0x0f, 0, 2) + EXIT  # r0 = *(u64 *)(r1 +0) + r2


def test_arguments_as_the_runner_gives_them(work):
    memory = bytes(range(1, 9))
    want = f'{int.from_bytes(memory, "little") + 8:x}\n'
    # two blanks behind each byte, as the runner writes them; none; digits in capitals; an empty argument
    for text in ('01  02  03  04  05  06  07  08  ', '0102030405060708', '01 02 03 04 05\n06 07 08'):
        p = start([text], ''.join(f'{b:02X}  ' for b in SUM) + '\n')
        assert (p.returncode, p.stdout, p.stderr) == (0, want, '')
    # options one by one, all in one argument, an empty one
    for args in (['--executor', 'interp'], ['--executor interp'], ['--executor=interp'], ['']):
        p = start([hexed(memory), *args], hexed(SUM))
        assert (p.returncode, p.stdout) == (0, want), p.stderr
    assert start(['--executor', 'interp', hexed(memory)], hexed(SUM)).stdout == want
    p = start(['--help'], '')
    assert p.returncode == 0 and 'usage:' in p.stdout


def test_bad_input_is_told(work):
    for args, stdin, words in [
            (['zz'], hexed(EXIT), 'hex digits'), (['123'], hexed(EXIT), 'two hex digits'), ([], '95 0', 'two hex digits'), ([], '', '0 bytes'),
            ([], '95 00 00', '3 bytes'), ([], 'exit', 'hex'), (['--executor', 'kernel'], hexed(EXIT), 'interp, microcode or pipeline'),
            (['--executor'], hexed(EXIT), 'needs a name'), (['--jit'], hexed(EXIT), 'no such option'), (['01', '02'], hexed(EXIT), 'one argument'),
            (['00' * 9000], hexed(EXIT), 'too many bytes'), (['--elf'], hexed(EXIT), '')]:
        p = start(args, stdin)
        assert p.returncode == 1 and p.stdout == '' and words in p.stderr and p.stderr.strip(), (args, p)


def test_memory_and_length_arrive(work):
    gives(int.from_bytes(bytes(range(1, 9)), 'little') + 8, SUM, bytes(range(1, 9)))
    gives(0, insn(0xbf, 0, 1) + insn(0x4f, 0, 2) + EXIT)  # without memory: r1 | r2
    gives(200, insn(0xbf, 0, 2) + EXIT, bytes(200), SOFT_AND_CORE)
    gives(3000, insn(0xbf, 0, 2) + EXIT, bytes(3000), SOFT_AND_CORE)


def test_result_has_64_bits(work):
    gives(0x8000000000000001, imm64(0, 0x8000000000000001) + EXIT)


def test_registers_and_stack_begin_as_zero(work):
    program = b''.join(insn(0x4f, 0, r) for r in range(3, 10)) + insn(0x79, 3, 10, -16) + insn(0x4f, 0, 3) + \
        insn(0x71, 3, 10, -512) + insn(0x4f, 0, 3) + EXIT
    gives(0, program)
    # a second call finds its frame as empty as the first did: f writes its frame and reads it before
    program = insn(0x85, 0, 1, 0, 3) + insn(0xbf, 6, 0) + insn(0x85, 0, 1, 0, 1) + EXIT + \
        insn(0x79, 0, 10, -8) + insn(0x7a, 10, 0, -8, 77) + insn(0x0f, 0, 6) + EXIT
    gives(0, program)


def test_callee_shares_registers(work):
    # r6 is seen by the callee and comes back; r1 stays as the callee left it
    program = insn(0xb7, 6, imm=3) + insn(0xb7, 1, imm=10) + insn(0x85, 0, 1, 0, 3) + insn(0x0f, 0, 1) + insn(0x0f, 0, 6) + EXIT + \
        insn(0xbf, 0, 6) + insn(0xb7, 1, imm=20) + insn(0xb7, 6, imm=5) + EXIT
    gives(26, program)


def test_recursion_to_eight_frames(work):
    def tower(calls):  # f(r1): r1 == 0 ? 1 : 2 * f(r1 - 1), its argument kept on the stack
        return insn(0xb7, 1, imm=calls) + insn(0x85, 0, 1, 0, 1) + EXIT + insn(0x55, 1, 0, 2, 0) + insn(0xb7, 0, imm=1) + EXIT + \
            insn(0x7b, 10, 1, -512) + insn(0x07, 1, imm=-1) + insn(0x85, 0, 1, 0, -6) + insn(0x79, 2, 10, -512) + insn(0x2f, 0, 2) + EXIT
    gives(720, tower(6), executors=ALL)
    faults(tower(7), 'ninth frame', executors=SOFT_AND_CORE)


def test_code_in_any_order(work):
    # goto the end, back to the middle, and out over the start; what lies between is never executed
    program = insn(0x05, off=3) + insn(0x07, 0, imm=1) + EXIT + insn(0x85, imm=99) + insn(0xb7, 0, imm=5) + insn(0x05, off=-5)
    gives(6, program)
    gives(6, insn(0x06, imm=3) + insn(0x07, 0, imm=1) + EXIT + insn(0xff) + insn(0xb7, 0, imm=5) + insn(0x06, imm=-5))


def test_pointer_through_memory(work):
    # the stack's address goes to the memory and back, and is used
    program = insn(0xbf, 3, 10) + insn(0x07, 3, imm=-8) + insn(0x7b, 1, 3) + insn(0x79, 4, 1) + insn(0x7a, 4, 0, 0, 9) + insn(0x79, 0, 10, -8) + EXIT
    gives(9, program, bytes(8))
    # one load that goes to the memory in the first round, to the stack in the second
    program = insn(0x7a, 10, 0, -8, 5) + insn(0xb7, 6, imm=2) + insn(0xbf, 3, 1) + insn(0x79, 4, 3) + insn(0x0f, 0, 4) + insn(0xbf, 3, 10) + \
        insn(0x07, 3, imm=-8) + insn(0x07, 6, imm=-1) + insn(0x55, 6, 0, -6) + EXIT
    gives(12, program, bytes([7, 0, 0, 0, 0, 0, 0, 0]))


def test_atomics_on_the_memory(work):
    memory = struct.pack('<QQIi', 5, 100, 7, -1)
    program = insn(0xb7, 3, imm=3) + insn(0xdb, 1, 3, 0, 0) + insn(0xdb, 1, 3, 8, 1) + insn(0xb7, 0, imm=7) + insn(0xb7, 4, imm=9) + \
        insn(0xc3, 1, 4, 16, 0xf1) + insn(0x0f, 0, 3) + EXIT
    gives(107, program, memory, after=struct.pack('<QQIi', 8, 103, 9, -1))


def test_loop_bounded_by_the_memory(work):
    # the sum of the bytes
    program = insn(0x0f, 2, 1) + insn(0x71, 3, 1) + insn(0x0f, 0, 3) + insn(0x07, 1, imm=1) + insn(0xad, 1, 2, -4) + EXIT
    gives(sum(range(20)), program, bytes(range(20)))


def test_helpers(work):
    assert len({run(insn(0x85, imm=5) + insn(0xbf, 6, 0) + insn(0x85, imm=7) + insn(0x0f, 0, 6) + EXIT, executor=e) for e in ALL}) == 1
    faults(insn(0x85, imm=44) + EXIT, 'helper', executors=SOFT_AND_CORE)
    faults(insn(0x85, imm=12345) + EXIT, 'helper', executors=SOFT_AND_CORE)
    faults(insn(0x85, 0, 2, 0, 42) + EXIT, 'helper', executors=SOFT_AND_CORE)


def test_faults_are_told(work):
    faults(insn(0x05, off=-1), 'does not end', executors=SOFT_AND_CORE)
    faults(insn(0x79, 0, 1, 1) + EXIT, 'outside', bytes(8))
    faults(insn(0x7b, 10, 0, 0) + EXIT, 'outside')
    faults(insn(0x7b, 10, 0, -520) + EXIT, 'outside', executors=SOFT_AND_CORE)
    faults(insn(0x71, 0, 1) + EXIT, 'outside', executors=SOFT_AND_CORE)
    faults(insn(0xdb, 1, 0, 4, 0) + EXIT, 'not aligned', bytes(16))
    faults(insn(0xb7, 0, imm=1), 'behind', executors=SOFT_AND_CORE)
    faults(insn(0x8d, 2) + EXIT, 'RFC 9669', executors=SOFT_AND_CORE)
    faults(insn(0x30, imm=0) + EXIT, 'RFC 9669', executors=SOFT_AND_CORE)
    faults(imm64(0, 1, src=1) + EXIT, 'RFC 9669', executors=SOFT_AND_CORE)


def elf(work, text):
    source, out = os.path.join(work, 'a.c'), os.path.join(work, 'a.o')
    with open(source, 'w') as f:
        f.write(text)
    lib.clang(source, out, debug='BTF' in text or 'maps' in text)
    with open(out, 'rb') as f:
        return f.read()


def test_elf_objects(work):
    # code in .text alone, with a function; in a section of its own; with a map and read-only data
    plain = 'static __attribute__((noinline)) long twice(long x) { asm volatile("" : "+r"(x)); return 2 * x; }\n' \
            'long run(long *m, long n) { return twice(m[0]) + n; }\n'
    section = '__attribute__((section("conformance"), used)) ' + plain.split('\n')[1].replace('twice(m[0])', 'm[0]')
    maps = '''#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4); __type(key, int); __type(value, long); } table SEC(".maps");
const volatile long add = 1000;
SEC("xdp") long run(long *m, long n)
{
    int key = 3;
    long value = m[0], *found;
    bpf_map_update_elem(&table, &key, &value, 0);
    found = bpf_map_lookup_elem(&table, &key);
    return found ? *found + add + n : 1;
}
'''
    for text, want in ((plain, 92), (section, 50), (maps, 1050)):
        data = elf(work, text)
        for executor in ALL:
            p = start([hexed(struct.pack('<q', 42)), '--executor', executor, '--elf'], hexed(data))
            assert p.returncode == 0 and int(p.stdout, 16) == want, (executor, text[:60], p)


def suite_object(code, section, maps=(), relocs=()):
    """An object as the suite's writer lays it out: symbols' names among the sections', one function over the whole section."""
    names = b'\0'

    def name(text):
        nonlocal names
        names += text.encode() + b'\0'
        return len(names) - len(text) - 1
    symbols = [bytes(24), struct.pack('<IBBHQQ', name('test'), 1 << 4 | 2, 0, 3, 0, len(code))]
    symbols += [struct.pack('<IBBHQQ', name(f'map{i}'), 1 << 4 | 1, 0, 5, i * len(m), len(m)) for i, m in enumerate(maps)]
    entries = b''.join(struct.pack('<QQ', 8 * at, 2 + i << 32 | 1) for at, i in relocs)
    sections = [(0, 0, 0, b'', 0, 0, 0, 0), (name('.shstrtab'), 3, 0, None, 0, 0, 1, 0), (name('.symtab'), 2, 0, b''.join(symbols), 1, 1, 4, 24),
                (name(section), 1, 6, code, 0, 0, 4, 0)]
    if maps:
        sections += [(name('.rel' + section), 9, 0, entries, 2, 3, 8, 16), (name('maps'), 1, 3, b''.join(maps), 0, 0, 4, 0)]
    heads, body = b'', b''
    for text, kind, flags, data, link, info, align, size in sections:
        data = names if data is None else data
        heads += struct.pack('<IIQQQQIIQQ', text, kind, flags, 0, 64 + len(body), len(data), link, info, align, size)
        body += data
    body += bytes(-len(body) % 8)
    return b'\x7fELF\x02\x01\x01' + bytes(9) + struct.pack('<HHIQQQIHHHHHH', 1, 247, 1, 0, 0, 64 + len(body), 0, 64, 0, 0, 64, len(sections), 1) + \
        body + heads


def test_objects_as_the_suite_writes_them(work):
    call = insn(0xb7, 1, imm=5) + insn(0x85, 0, 1, 0, 1) + EXIT + insn(0xbf, 0, 1) + EXIT
    lookup = insn(0x18, 1, 1) + insn(0) + insn(0x62, 10, 0, -4, 9) + insn(0xbf, 2, 10) + insn(0x07, 2, imm=-4) + insn(0x85, imm=1) + \
        insn(0x15, 0, 0, 1, 0) + insn(0xb7, 0, imm=1) + EXIT
    array = struct.pack('<IIIII', 2, 4, 8, 10, 0)
    for section in ('.text', 'xdp'):
        for data, want in ((suite_object(call, section), 5), (suite_object(lookup, section, [array], [(0, 0)]), 1)):
            for executor in SOFT_AND_CORE:
                p = start(['--executor', executor, '--elf'], hexed(data))
                assert (p.returncode, p.stdout) == (0, f'{want:x}\n'), (section, executor, p)
    p = start(['--elf'], hexed(suite_object(insn(0x85, 0, 1, 0, 9) + EXIT, 'xdp')))
    assert p.returncode == 1 and 'no function begins' in p.stderr


def test_random_programs(work):
    for seed in range(45):
        program, memory = raw_programs.make(seed)
        want = run(program, memory, 'interp', '--show-memory')
        for executor in ['microcode'] * (seed < 40) + ['pipeline'] * (seed >= 40):
            got = run(program, memory, executor, '--show-memory')
            assert got == want, f'{executor}, seed {seed}: {got}, wanted {want}'
