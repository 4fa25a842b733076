# SPDX-License-Identifier: BSD-3-Clause
"""Programs that the verifier takes though an executor lacks what they use, and those that it rejects: what the user is told."""
import json
import os

import lib


def build(work, name, *defines):
    return lib.clang(os.path.join(lib.ROOT, 'tests', 'progs', 'fits', name + '.bpf.c'), os.path.join(work, name + '.o'), defines=defines)


def check(obj, status=0):
    return json.loads(lib.sluice('check', obj, '--json', status=status).stdout)


def line_of(name, text):
    with open(os.path.join(lib.ROOT, 'tests', 'progs', 'fits', name + '.bpf.c')) as f:
        return next(i for i, line in enumerate(f, 1) if text in line)


def expect_reason(j, executor, *parts):
    e = j['executors'][executor]
    assert not e['fits'], (executor, e)
    for part in parts:
        assert part in e['reason'], (executor, e['reason'], part)


def test_call_that_an_executor_lacks_is_named_with_its_line(work):
    obj = build(work, 'loop')
    j = check(obj)
    each = f'loop.bpf.c:{line_of("loop", "bpf_for_each_map_elem(&")}'
    assert j['accepted'], j
    assert j['executors']['interp']['fits'], j
    expect_reason(j, 'kernel', each, 'walks over a hash, and Linux has an order of its own')
    for executor in ('microcode', 'pipeline'):
        expect_reason(j, executor, each, 'bpf_for_each_map_elem over map counts, which is no array')
    p = lib.sluice('compile', obj, '-t', 'microcode', '-o', work, status=4)
    assert 'bpf_for_each_map_elem' in p.stderr, p.stderr


def test_best_executor_is_the_first_that_fits(work):
    p = lib.sluice('run', build(work, 'loop'), '-t', 'best', '-r', lib.mixed(1000))
    assert p.stdout.startswith('loop on interp: 1000 packets'), p.stdout
    passed = [line for line in p.stderr.splitlines() if 'does not fit' in line]
    assert len(passed) == 2 and passed[0].startswith('sluice: loop does not fit pipeline: instruction '), p.stderr
    assert 'does not fit microcode: ' in passed[1] and 'sluice: running it on interp\n' in p.stderr, p.stderr
    p = lib.sluice('run', build(work, 'loop'), '-t', 'best', '--lockstep', '-r', lib.mixed(1000), status=2)
    assert 'best retires no rows of microcode' in p.stderr, p.stderr


def test_rounds_are_unrolled_up_to_their_bound(work):
    obj = build(work, 'ranged')
    assert 'trips 3\n' in lib.sluice('disasm', obj, '-f', 'ir').stdout
    j = lib.compare(obj, lib.mixed(1000))
    assert j['mismatches'] == 0 and 'skipped' not in j['executors']['pipeline'], j['differences'][:5]


def test_keys_of_walks_that_find_no_room_on_the_stack_are_refused(work):
    j = check(build(work, 'keys'))
    for executor in ('microcode', 'pipeline'):
        expect_reason(j, executor, 'IRB0019', f'keys.bpf.c:{line_of("keys", "bpf_for_each_map_elem(")}', 'frames of 520 bytes')
    assert check(build(work, 'keys', '-DSMALL'))['executors']['microcode']['fits']


def test_map_with_lock_is_taken_and_fits_everywhere(work):
    j = check(build(work, 'lock'))
    assert j['accepted'], j
    assert all(j['executors'][e]['fits'] for e in ('interp', 'microcode', 'pipeline')), j


def test_lock_that_is_kept_on_one_path_is_rejected(work):
    j = check(build(work, 'lock', '-DWRONG'), status=3)
    assert j['code'] == 'VFY0109' and f'line {line_of("lock", "bpf_spin_lock(&b")}' in j['message'], j


def test_map_in_a_map_has_the_size_that_the_definition_says(work):
    assert check(build(work, 'inner', '-DOFFSET=1'))['accepted']
    j = check(build(work, 'inner', '-DOFFSET=2'), status=3)
    assert j['code'] == 'VFY0054' and 'a value of map outer.inner has 16 bytes' in j['message'], j


def test_lost_record_names_the_line_that_took_it(work):
    j = check(build(work, 'record'), status=3)
    assert j['code'] == 'VFY0107' and f'line {line_of("record", "bpf_ringbuf_reserve(")}' in j['message'], j
