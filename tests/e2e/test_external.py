# SPDX-License-Identifier: BSD-3-Clause
"""Maps whose values, or keys too, lie in external memory: results are those of all executors whatever the memory's latency, and users are told where
maps lie and who does not reach them."""
import json
import os

import hazards
import lib

ALL = ('--map-memory', 'external')
FAR = ('--map-memory', 'far')
PACED = ('--stall', 25, '--idle', 15)


def build(work, name='external', *defines):
    return lib.clang(os.path.join(lib.ROOT, 'tests', 'progs', 'maps', 'external.bpf.c'), os.path.join(work, name + '.o'), defines=defines)


def compared(obj, capture, *options, hardware=('microcode', 'pipeline')):
    j = json.loads(lib.sluice('compare', obj, '-t', ','.join(('interp', *hardware)), '-r', capture, '--json', '--no-progress', *options).stdout)
    assert j['mismatches'] == 0 and all('cycles' in j['executors'][x] for x in hardware), j
    return j['executors']


def memories(obj, *options, part='memory'):
    j = json.loads(lib.sluice('check', obj, '--json', *options).stdout)
    places = {x: {m['name']: m[part] for m in e['maps']} for x, e in j['executors'].items() if 'maps' in e}
    assert part == 'keys' or places['pipeline'] == places['microcode'], j
    return places['microcode']


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


def connections(work, name='connections', *defines):
    return lib.clang(os.path.join(lib.ROOT, 'tests', 'progs', 'maps', 'connections.bpf.c'), os.path.join(work, name + '.o'), defines=defines)


def test_keys_in_external_memory_agree(work):
    """Small maps, so that they are full and evict all the time, with contents from a file, walked while packets pass."""
    obj = connections(work, 'small', '-DCONNECTIONS=40', '-DRECENT=24')
    capture = lib.traffic('connections-700', '--count', 700, '--flows', 90, '--size', 64, '--seed', 5)
    maps = os.path.join(work, 'in.json')
    with open(maps, 'w') as f:
        json.dump({'recent': [{'key': [i, 0, 0, 10, 0, 0, 0, 0, 0, 0, 0, 0], 'value': [i] * 8} for i in range(20)]}, f)
    for options in (('--memory-latency', 1), ('--memory-latency', '1-200', *PACED, '--poll-maps', '--queues', 4), ('--maps-in', maps)):
        compared(obj, capture, *FAR, *options, hardware=('microcode',))
    compared(obj, capture, '--map-memory', 'recent=far', '--map-memory', 'known=chip', hardware=('microcode',))
    j = json.loads(lib.sluice('run', obj, '-t', 'microcode', '--lockstep', '-r', capture, '--json', '--no-progress', *FAR, *PACED).stdout)
    assert j['lockstep']['packets'] == 700 and 'difference' not in j['lockstep'], j


def test_connection_tables_of_many_entries_agree(work):
    """Tables that no chip holds: packets insert, find, replace and delete; all maps are compared at the end."""
    obj = connections(work)
    assert memories(obj, part='keys') == {'known': 'external', 'recent': 'external', 'closed': 'chip'}
    capture = lib.traffic('connections-many', '--count', 1500, '--flows', 600, '--zipf', 0.3, '--size', 64, '--seed', 6)
    compared(obj, capture, '--memory-latency', '20-90', hardware=('microcode',))


def test_table_of_a_million_entries_runs(work):
    """The longest keys and values that there are."""
    obj = connections(work, 'million', '-DCONNECTIONS=1000000', '-DRECENT=1000000', '-DKEY=64', '-DVALUE=256')
    assert memories(obj, part='keys') == {'known': 'external', 'recent': 'external', 'closed': 'chip'}
    capture = lib.traffic('connections-700', '--count', 700, '--flows', 90, '--size', 64, '--seed', 5)
    assert trace(work, obj, 'interp', capture) == trace(work, obj, 'microcode', capture)
    small = json.loads(lib.sluice('check', obj, '--json', '--memory-bytes', 100000000).stdout)['executors']['microcode']
    assert not small['fits'] and 'UCODE0021' in small['reason'] and 'the core has 100000000' in small['reason'], small
    far = json.loads(lib.sluice('check', build(work), '--json', '--map-memory', 'flows=far').stdout)['executors']['pipeline']
    assert not far['fits'] and "have its keys in external memory, which pipelines don't reach" in far['reason'] and 'PIPE0009' in far['reason'], far
    lru = connections(work, 'lru', '-DRECENT=1100000')
    why = json.loads(lib.sluice('check', lru, '--json').stdout)['executors']['microcode']
    assert not why['fits'] and 'UCODE0022' in why['reason'] and '1100001 wanted' in why['reason'], why


def test_core_with_keys_in_external_memory_is_serial(work):
    keyed = [k for k in hazards.KINDS if k not in hazards.KEYLESS]
    obj = hazards.program(work, keyed)
    hazards.agree(work, obj, keyed, 'microcode', (2, 3), 2, hazards.PACES[1:2], 5, '--lockstep', *FAR, '--memory-latency', '1-90')


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
    assert '"elsewhere" is none of auto, chip, external, far' in lib.sluice('check', obj, '--map-memory', 'elsewhere', status=2).stderr
    assert 'wrong way round' in lib.sluice('run', obj, '-t', 'microcode', '-r', lib.mixed(1000), '--memory-latency', '9-3', status=2).stderr
