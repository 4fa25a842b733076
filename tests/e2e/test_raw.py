# SPDX-License-Identifier: BSD-3-Clause
"""Programs as bare instructions (--raw): what is accepted, rejected and malformed, and that they run as objects do."""
import json
import os
import struct

import lib

EXIT = struct.pack('<BBhi', 0x95, 0, 0, 0)
HASH = [{'type': 'hash', 'key_size': 8, 'value_size': 8, 'max_entries': 4, 'flags': 0}]


def insn(opcode, dst=0, src=0, off=0, imm=0):
    return struct.pack('<BBhi', opcode, dst | src << 4, off, imm)


def lookup(null_check):
    """Reads the hash map's value of key 0; DROP if there is none, else PASS."""
    load = insn(0x79, 6, 0) + insn(0xb7, 0, imm=2) + EXIT
    return b''.join([
        insn(0x7a, 10, 0, -8, 0), insn(0xbf, 2, 10), insn(0x07, 2, 0, 0, -8), insn(0x18, 1, 1, 0, 0), insn(0),
        insn(0x85, imm=1), insn(0x55, 0, 0, 2) + insn(0xb7, 0, imm=1) + EXIT if null_check else b'', load])


def write(work, program, maps=None):
    path = os.path.join(work, 'insns.bin')
    with open(path, 'wb') as f:
        f.write(program)
    if maps is None:
        return ['--raw', path]
    with open(os.path.join(work, 'maps.json'), 'w') as f:
        f.write(maps if isinstance(maps, str) else json.dumps(maps))
    return ['--raw', path, '--maps', os.path.join(work, 'maps.json')]


def check(work, program, maps=None, status=0):
    return json.loads(lib.sluice('check', *write(work, program, maps), '--json', status=status).stdout)


def test_accepted_program_has_its_effort(work):
    for maps in (HASH, [dict(HASH[0], type=1)]):
        j = check(work, lookup(True), maps)
        assert j['accepted'] is True and j['instructions'] == 12
        assert j['processed'] > 0 and j['states'] > 0 and j['peak_bytes'] > 0 and j['ns'] > 0
        assert j['programs'][0]['executors']['interp']['fits'] is True


def test_rejected_program_has_code_and_place(work):
    j = check(work, lookup(False), HASH, status=3)
    assert j['accepted'] is False and j['code'] == 'VFY0040' and j['insn'] == 6 and 'NULL' in j['message']
    assert j['processed'] == 6 and j['programs'][0]['code'] == 'VFY0040'
    assert check(work, lookup(True), [], status=3)['code'] == 'VFY0008'  # no such map
    assert check(work, lookup(True), status=3)['code'] == 'VFY0008'


def test_functions_are_found_by_their_calls(work):
    program = insn(0x85, 0, 1, 0, 1) + EXIT + insn(0xb7, 0, imm=2) + EXIT
    assert check(work, program)['accepted'] is True
    assert check(work, insn(0x85, 0, 1, 0, 7) + EXIT, status=3)['code'] == 'VFY0010'


def test_malformed_files_are_told(work):
    for program, maps, words in [
            (b'', None, '0 bytes'), (EXIT[:5], None, '5 bytes'), (EXIT, '[{', 'maps.json'), (EXIT, '{}', 'array'),
            (EXIT, '[1]', 'map 0 is not an object'), (EXIT, [{'type': 'nonesuch'}], '"type"'), (EXIT, [{'type': 'hash'}], '"key_size"'),
            (EXIT, [dict(HASH[0], max_entries=0)], 'max_entries'), (EXIT, [dict(HASH[0], type='array')], 'key'),
            (EXIT, [dict(HASH[0], value_size=-1)], '"value_size"'), (EXIT, HASH * 65, '65 maps'), (EXIT + b'x', None, '9 bytes'),
            (EXIT, '', 'maps.json'), (EXIT, '"x"', 'expected'), (EXIT, [[]], 'map 0 is not an object'), (EXIT, '[{"type":"hash","type":"hash"}]', 'duplicate')]:
        p = lib.sluice('check', *write(work, program, maps), status=2)
        assert words in p.stderr and not p.stdout, (words, p.stderr)
    assert 'such file' in lib.sluice('check', '--raw', os.path.join(work, 'none'), status=2).stderr
    assert '--raw' in lib.sluice('check', '--maps', 'x', lib.example('drop'), status=2).stderr
    assert '-p' in lib.sluice('check', '--raw', '-p', 'x', os.path.join(work, 'insns.bin'), status=2).stderr


def test_map_that_linux_does_not_make_is_told(work):
    """Whether the program uses it or not; the whole grid of definitions is a unit test (test_load_kernel.c)."""
    ring = {'type': 'ringbuf', 'key_size': 0, 'value_size': 0, 'max_entries': 100}
    array = {'type': 'array', 'key_size': 4, 'value_size': 8, 'max_entries': 1}
    for definition, words in [
            (dict(HASH[0], flags=0xffffffff), 'flags are 0xffffffff'), (dict(HASH[0], key_size=4 << 20), "the key's size"),
            (ring, 'a power of two and at least a page'), (dict(array, key_size=8), "the key's size is 8, must be 4"),
            (dict(array, type='percpu_array', value_size=32769), 'must be 1 to 32768'), (dict(array, flags=8 | 16), 'both read-only and write-only'),
            (dict(array, type='lpm_trie', key_size=8), 'BPF_F_NO_PREALLOC'), (dict(array, value_size=1 << 31), "the value's size"),
            (dict(array, type='array_of_maps', value_size=4), 'what the maps in it are like')]:
        p = lib.sluice('check', *write(work, EXIT, [definition]), '--json', status=2)
        assert words in p.stderr and 'map map_0' in p.stderr and not p.stdout, (definition, p.stderr)


def test_long_program_is_checked_or_told(work):
    """A million instructions are Linux's limit; behind each other without an end they are a rejection like others."""
    move = insn(0xb7, imm=2)
    j = check(work, move * 999999 + EXIT)
    assert j['accepted'] is True and j['instructions'] == 1000000, j
    assert check(work, move * 1000000, status=3)['code'].startswith('VFY')
    assert '1000001 instructions' in lib.sluice('check', *write(work, move * 1000000 + EXIT), '--json', status=2).stderr


def test_raw_program_runs_as_an_object_does(work):
    executors = ['interp', 'microcode'] + (['kernel'] if lib.kernel_allowed() else [])
    j = json.loads(lib.sluice('compare', *write(work, lookup(True), HASH), '-t', ','.join(executors), '-r', lib.mixed(1000), '--json').stdout)
    assert j['mismatches'] == 0
    for e in executors:
        assert j['executors'][e]['verdicts']['XDP_DROP'] > 900, (e, j['executors'][e])


def test_code_that_is_never_reached_may_have_any_form(work):
    """As on Linux: registers that are not there, reserved fields, shifts too far; on the executors nothing of it is left."""
    executors = ['interp', 'microcode'] + (['kernel'] if lib.kernel_allowed() else [])
    bad = insn(0xb7, 12, 0, 7, 1) + insn(0x77, 0, 15, 0, 99) + insn(0x37, 0, 0, 0, 0) + insn(0x61, 14, 13, 3) + insn(0xd3, 1, 2, 0, 77) + insn(0x85, imm=9999)
    program = insn(0xb7, 0, imm=1) + insn(0x15, 0, 0, 6, 1) + bad + EXIT
    assert check(work, program)['accepted'] is True
    j = json.loads(lib.sluice('compare', *write(work, program), '-t', ','.join(executors), '-r', lib.mixed(100), '--json').stdout)
    assert j['mismatches'] == 0
    for e in executors:
        assert j['executors'][e]['verdicts']['XDP_DROP'] == 100, (e, j['executors'][e])
    assert check(work, insn(0xb7, 0, imm=1) + bad + EXIT, status=3)['code'] == 'VFY0001'


def test_map_larger_than_anything_is_told(work):
    huge = [{'type': 'array', 'key_size': 4, 'value_size': 2000000000, 'max_entries': 4000000000}]
    program = insn(0x18, 1, 1, 0, 0) + insn(0) + insn(0xb7, 0, imm=2) + EXIT
    executors = check(work, program, huge)['programs'][0]['executors']
    for name in ('interp', 'microcode', 'pipeline'):
        assert executors[name]['fits'] is False, (name, executors)
