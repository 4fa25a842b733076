# SPDX-License-Identifier: BSD-3-Clause
"""Tail calls: programs that go on in each other (tests/progs/tail), on every executor; what the host may put into their maps."""
import json
import os

import lib


def build(work, name, *defines, folder='tail'):
    return lib.clang(os.path.join(lib.ROOT, 'tests', 'progs', folder, name + '.bpf.c'), os.path.join(work, name + '.o'), defines=defines)


def steps_in(path, slots, name='steps'):
    """A map file that puts programs into slots."""
    with open(path, 'w') as f:
        json.dump({name: [{'key': [f'0x{slot:02x}', '0x00', '0x00', '0x00'], 'value': program} for slot, program in slots.items()]}, f)
    return path


def fits(obj, executor, *options):
    return json.loads(lib.sluice('check', obj, '--json', *options).stdout)['executors'][executor]


def test_chain_of_parsers_agrees_on_every_executor(work):
    obj = build(work, 'chain')
    skippable = () if lib.kernel_allowed() else ('kernel',)
    lib.assert_agree(lib.compare(obj, lib.mixed(1000), '-p', 'chain'), skippable)
    j = lib.compare(obj, lib.mixed(1000), '-p', 'chain', '-t', 'interp,microcode,pipeline', '--queues', 4, '--idle', 20, '--stall', 30,
                    '--poll-maps')
    assert j['mismatches'] == 0 and not any('skipped' in e for e in j['executors'].values()), j


def test_programs_that_go_on_in_each_other_agree_with_kernel_and_core(work):
    obj = build(work, 'rounds')
    j = lib.compare(obj, lib.mixed(300), '-p', 'rounds', '-t', 'interp,kernel,microcode')
    assert j['mismatches'] == 0 and 'skipped' not in j['executors']['microcode'], j
    verdicts = j['executors']['interp']['verdicts']
    assert sum(n > 0 for n in verdicts.values()) == 3 and verdicts['XDP_ABORTED'] == 0, verdicts
    lib.sluice('run', obj, '-p', 'rounds', '-t', 'microcode', '--lockstep', '-r', lib.mixed(100))
    assert fits(obj, 'pipeline', '-p', 'rounds')['fits']  # 33 rounds, one behind the other


def test_other_programs_are_put_in_by_the_host(work):
    obj = build(work, 'chain')
    maps, out = os.path.join(work, 'maps.json'), os.path.join(work, 'out.json')
    # the forwarder in front, and a program that goes on in itself by way of another
    steps_in(maps, {0: 'chain_forward', 1: 'chain_other', 4: 'chain_ip'}, 'protocols')
    j = lib.compare(obj, lib.mixed(1000), '-p', 'chain', '-t', 'interp,kernel,microcode', '--maps-in', maps)
    assert j['mismatches'] == 0 and 'skipped' not in j['executors']['microcode'], j
    assert j['executors']['microcode']['verdicts'] != lib.compare(obj, lib.mixed(1000), '-p', 'chain', '-t', 'microcode')['executors'][
        'microcode']['verdicts']
    lib.sluice('run', obj, '-p', 'chain', '-t', 'microcode', '-r', lib.mixed(10), '--maps-in', maps, '--maps-out', out)
    with open(out) as f:
        document = json.load(f)
    assert [(e['key'][0], e['value']) for e in document['protocols']] == \
        [('0x00', 'chain_forward'), ('0x01', 'chain_other'), ('0x02', 'chain_other'), ('0x04', 'chain_ip')], document['protocols']


def test_no_more_than_33_tail_calls_are_made(work):
    obj = build(work, 'open')
    maps = steps_in(os.path.join(work, 'maps.json'), {n: f'step_{n}' for n in range(36)})
    j = lib.compare(obj, lib.mixed(10), '-p', 'open_first', '-t', 'interp,kernel,microcode', '--maps-in', maps)
    assert j['mismatches'] == 0 and 'skipped' not in j['executors']['microcode'], j
    assert j['executors']['microcode']['verdicts']['XDP_PASS'] == 10, j  # step 32, not 33 or 35
    assert fits(obj, 'pipeline', '-p', 'open_first', '--maps-in', maps)['fits']


def test_map_that_nothing_is_known_of_may_hold_any_program(work):
    obj = build(work, 'open', '-DCHAIN=4')
    maps = steps_in(os.path.join(work, 'maps.json'), {0: 'step_1', 2: 'step_3'})
    rows = lambda *options: fits(obj, 'microcode', '-p', 'open_first', *options)['rows']
    empty = steps_in(os.path.join(work, 'empty.json'), {})
    assert rows('--maps-in', empty) < rows('--maps-in', maps) < rows(), (rows('--maps-in', empty), rows('--maps-in', maps), rows())
    j = lib.compare(obj, lib.mixed(10), '-p', 'open_first', '-t', 'interp,microcode')
    assert j['mismatches'] == 0 and j['executors']['microcode']['verdicts']['XDP_ABORTED'] == 10, j
    j = lib.compare(obj, lib.mixed(10), '-p', 'open_first', '-t', 'interp,microcode', '--maps-in', maps)
    assert j['mismatches'] == 0 and j['executors']['microcode']['verdicts']['XDP_TX'] == 10, j


def test_refusal_for_a_program_that_may_be_in_a_map_says_so(work):
    obj = build(work, 'open', '-DCHAIN=4', '-DLONG')
    e = fits(obj, 'pipeline', '-p', 'open_first')
    assert not e['fits'] and 'with any program of the object in map steps: --maps-in says which it holds' in e['reason'], e
    maps = steps_in(os.path.join(work, 'maps.json'), {0: 'step_0', 1: 'step_1'})
    assert fits(obj, 'pipeline', '-p', 'open_first', '--maps-in', maps)['fits']


def test_tail_call_in_a_function_comes_back(work):
    obj = build(work, 'function', folder='fits')
    assert all(fits(obj, e, '-p', 'function')['fits'] for e in ('microcode', 'pipeline'))
    j = lib.compare(obj, lib.mixed(10), '-p', 'function', '-t', 'interp,microcode')
    assert j['mismatches'] == 0 and j['executors']['microcode']['verdicts']['XDP_PASS'] == 10, j


def test_programs_behind_functions_agree_on_every_executor(work):
    obj = build(work, 'inside')
    j = lib.compare(obj, lib.mixed(1000), '-p', 'inside', '-t', 'interp,kernel,microcode')
    verdicts = j['executors']['interp']['verdicts']
    assert j['mismatches'] == 0 and verdicts['XDP_PASS'] and verdicts['XDP_TX'], j
    few = lib.traffic('inner-120', '--count', 120, '--flows', 10)
    j = lib.compare(obj, few, '-p', 'inside', '-t', 'interp,microcode,pipeline', '--icarus', '--queues', 3, '--idle', 10, '--stall', 20)
    assert j['mismatches'] == 0 and not any('skipped' in e for e in j['executors'].values()), j
    # other programs, put in by the host: moved twice, from a function too
    maps = steps_in(os.path.join(work, 'maps.json'), {0: 'inside_move', 1: 'inside_deeper', 2: 'inside_on', 5: 'inside_write', 7: 'inside_move'})
    j = lib.compare(obj, lib.mixed(300), '-p', 'inside', '-t', 'interp,kernel,microcode', '--maps-in', maps)
    assert j['mismatches'] == 0 and 'skipped' not in j['executors']['microcode'], j
    lib.sluice('run', obj, '-p', 'inside', '-t', 'microcode', '--lockstep', '-r', lib.mixed(100), '--maps-in', maps)


def test_no_more_than_33_tail_calls_are_made_in_functions(work):
    for more in ((), ('-DPLAIN',)):
        j = lib.compare(build(work, 'again', '-DROUNDS=60', *more), lib.mixed(20), '-p', 'again', '-t', 'interp,kernel,microcode')
        assert j['mismatches'] == 0 and 'skipped' not in j['executors']['microcode'], j
    few = lib.traffic('inner-8', '--count', 8, '--flows', 2)
    obj = build(work, 'again', '-DROUNDS=1')
    j = lib.compare(obj, few, '-p', 'again', '-t', 'interp,kernel,pipeline', '--icarus')
    assert j['mismatches'] == 0 and 'skipped' not in j['executors']['pipeline'], j


def test_programs_behind_functions_that_do_not_fit_say_why(work):
    for define, code, says in (('-DBACK', 'IRB0018', 'again.bpf.c:45: bpf_tail_call in a function'), ('-DLARGE', 'IRB0019', 'frames of ')):
        obj = build(work, 'again', '-DROUNDS=3', define)
        for executor in ('microcode', 'pipeline'):
            e = fits(obj, executor, '-p', 'again')
            assert not e['fits'] and code in e['reason'] and says in e['reason'], e
        j = lib.compare(obj, lib.mixed(10), '-p', 'again', '-t', 'interp,kernel')
        assert j['mismatches'] == 0, j
