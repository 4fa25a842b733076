# SPDX-License-Identifier: BSD-3-Clause
"""Maps whose values lie in external memory: results are those of all executors whatever the memory's latency, and users are told where
maps lie."""
import json
import os

import hazards
import lib

ALL = ('--map-memory', 'external')
PACED = ('--stall', 25, '--idle', 15)


def build(work, name='external', *defines):
    return lib.clang(os.path.join(lib.ROOT, 'tests', 'progs', 'maps', 'external.bpf.c'), os.path.join(work, name + '.o'), defines=defines)


def compared(obj, capture, *options):
    j = json.loads(lib.sluice('compare', obj, '-t', 'interp,microcode,pipeline', '-r', capture, '--json', '--no-progress', *options).stdout)
    assert j['mismatches'] == 0 and all('cycles' in j['executors'][x] for x in ('microcode', 'pipeline')), j
    return j['executors']


def memories(obj, *options):
    j = json.loads(lib.sluice('check', obj, '--json', *options).stdout)
    core, pipeline = ({m['name']: m['memory'] for m in j['executors'][x]['maps']} for x in ('microcode', 'pipeline'))
    assert core == pipeline, j
    return core


def test_values_across_lines_agree(work):
    obj = build(work)
    capture = lib.mixed(1000)
    for options in (('--memory-latency', 1), ('--memory-latency', '1-200', *PACED, '--poll-maps', '--queues', 4), ('--memory-latency', '40-120')):
        compared(obj, capture, *ALL, *options)
    j = json.loads(lib.sluice('run', obj, '-t', 'microcode', '--lockstep', '-r', capture, '--json', '--no-progress', *ALL, *PACED).stdout)
    assert j['lockstep']['packets'] == 1000 and 'difference' not in j['lockstep'], j


def trace(work, obj, executor, capture, *options):
    path = os.path.join(work, executor + '.trace')
    lib.sluice('run', obj, '-t', executor, '-r', capture, '--trace', path, '--no-progress', *options)
    with open(path) as f:
        lines = [json.loads(line) for line in f]
    for line in lines:
        line.pop('cycles', None)
    return lines


def test_array_of_a_million_entries_agrees(work):
    """Its 96 MB are not read back; each packet carries the value that it found, so packets would differ."""
    obj = build(work, 'large', '-DSLOTS=1000000', '-DFLOWS=65000')
    capture = lib.traffic('scattered-1500', '--count', 1500, '--flows', 1000, '--zipf', 0.3, '--size', 64, '--seed', 3)
    expected = trace(work, obj, 'interp', capture)
    for executor in ('microcode', 'pipeline'):
        assert trace(work, obj, executor, capture) == expected, executor


def test_latency_of_the_memory_shows(work):
    obj = build(work)
    near, far = (compared(obj, lib.one_flow(300), *ALL, '--memory-latency', n) for n in (1, 400))
    for executor in ('microcode', 'pipeline'):
        assert near[executor]['cycles'] < far[executor]['cycles'], (near, far)


def test_core_with_external_memory_is_serial(work):
    keyed = [k for k in hazards.KINDS if k not in hazards.KEYLESS]
    for names in (keyed, list(hazards.KEYLESS)):
        obj = hazards.program(work, names)
        hazards.agree(work, obj, names, 'microcode', (1, 2, 3, 5, 8), 3, hazards.PACES[:2], 5, '--lockstep', *ALL, '--memory-latency', '1-90')


def test_pipelines_with_external_memory_are_serial(work):
    """Kinds whose packets wait by key, by map, and for an entry; those of one atomic unit on chip are loads and stores here."""
    for names in (('hash_rmw', 'insert_if_missing', 'lru', 'percpu', 'deleted'), ('bucket', 'leaky')):
        obj = hazards.program(work, names)
        hazards.agree(work, obj, names, 'pipeline', (1, 2, 3, 8), 3, hazards.PACES[:2], 5, *ALL, '--memory-latency', '1-90')


def test_maps_beyond_the_chip_are_external(work):
    assert set(memories(build(work)).values()) == {'chip'}
    assert set(memories(build(work), *ALL).values()) == {'external'}
    assert memories(build(work), *ALL, '--map-memory', 'cpus=chip') == {'slots': 'external', 'cpus': 'chip', 'flows': 'external'}
    large = build(work, 'large', '-DSLOTS=1000000')
    assert memories(large) == {'slots': 'external', 'cpus': 'chip', 'flows': 'chip'}
    assert 'in external memory: slots (96000000 bytes)' in lib.sluice('check', large).stdout
    j = json.loads(lib.sluice('check', large, '--json', '--map-memory', 'slots=chip').stdout)['executors']['microcode']
    assert not j['fits'] and 'map slots: bytes of map values on chip' in j['reason'] and 'UCODE0004' in j['reason'], j


def test_maps_beyond_external_memory_are_refused(work):
    obj = build(work, 'huge', '-DSLOTS=30000000')
    for executor, code in (('microcode', 'UCODE0021'), ('pipeline', 'PIPE0009')):
        j = json.loads(lib.sluice('check', obj, '--json').stdout)['executors'][executor]
        assert not j['fits'] and 'map slots' in j['reason'] and code in j['reason'], j


def test_icarus_has_none(work):
    p = lib.sluice('run', build(work), '-t', 'pipeline', '--icarus', '-r', lib.mixed(1000), *ALL, status=4)
    assert 'map slots lies in external memory, which there is none of under Icarus Verilog' in p.stderr, p.stderr


def test_wrong_options_are_refused(work):
    obj = build(work)
    assert 'the object has no map nobody' in lib.sluice('check', obj, '--map-memory', 'nobody=chip', status=2).stderr
    assert '"elsewhere" is none of auto, chip, external' in lib.sluice('check', obj, '--map-memory', 'elsewhere', status=2).stderr
    assert 'wrong way round' in lib.sluice('run', obj, '-t', 'microcode', '-r', lib.mixed(1000), '--memory-latency', '9-3', status=2).stderr
