# SPDX-License-Identifier: BSD-3-Clause
"""Maps of maps (tests/progs/inner) on every executor; pipelines are simulated by Icarus, as there are many."""
import json
import os

import lib



def build(work, name, *defines):
    return lib.clang(os.path.join(lib.ROOT, 'tests', 'progs', 'inner', name + '.bpf.c'), os.path.join(work, name + ''.join(defines) + '.o'), defines=defines)


def little(number, count=4):
    return [f'0x{b:02x}' for b in number.to_bytes(count, 'little')]


def prefix(bits, *to):
    return little(bits) + [f'0x{b:02x}' for b in to] + ['0x00'] * (4 - len(to))


def maps_in(work, maps):
    path = os.path.join(work, 'maps.json')
    with open(path, 'w') as f:
        json.dump(maps, f)
    return path


def queues(work, inside):
    """A map file for arrays.bpf.c, whose map of maps has keys of 2 bytes."""
    return maps_in(work, {'queues': [{'key': little(k, 2), 'value': name} for k, name in inside.items()]})


def compare(obj, capture, executors, *options, skippable=()):
    """Verdicts; all executors ran and agree, but for those that may be skipped."""
    j = lib.compare(obj, capture, '-t', executors, *options)
    assert j['mismatches'] == 0, j['differences'][:5]
    assert all(name in skippable or 'skipped' not in e for name, e in j['executors'].items()), j['executors']
    return j['executors']['interp']['verdicts']


def agrees(obj, *options, kernel=True):
    """Verdicts and maps of all executors; the pipeline with few packets."""
    verdicts = compare(obj, lib.mixed(1000), 'interp,kernel,microcode', *options, skippable=() if kernel and lib.kernel_allowed() else ('kernel',))
    few = lib.traffic('inner-120', '--count', 120, '--flows', 10)
    compare(obj, few, 'interp,microcode,pipeline', '--icarus', '--queues', 3, '--idle', 10, '--stall', 20, '--poll-maps', *options)
    return verdicts


def test_maps_of_arrays_agree(work):
    obj = build(work, 'arrays')
    verdicts = agrees(obj, '--maps-in', queues(work, {0: 'even', 1: 'odd', 2: 'even'}))
    assert verdicts['XDP_ABORTED'] == 0 and verdicts['XDP_PASS'] and verdicts['XDP_TX'], verdicts
    lib.sluice('run', obj, '-t', 'microcode', '--lockstep', '-r', lib.mixed(200), '--maps-in', os.path.join(work, 'maps.json'))


def test_maps_of_hashes_agree(work):
    verdicts = agrees(build(work, 'keyed', '-DKIND=0'))
    assert all(verdicts[v] for v in ('XDP_ABORTED', 'XDP_DROP', 'XDP_PASS', 'XDP_TX')), verdicts


def test_maps_of_lru_maps_agree(work):
    verdicts = agrees(build(work, 'keyed', '-DKIND=1'), kernel=False)  # Linux evicts others
    assert verdicts['XDP_DROP'] and verdicts['XDP_TX'], verdicts


def test_maps_of_prefixes_agree(work):
    verdicts = agrees(build(work, 'keyed', '-DKIND=2'), '--maps-in', maps_in(work, {
        'inside': [{'key': prefix(0), 'value': little(3)}, {'key': prefix(8, 10), 'value': little(1)}],
        'outside': [{'key': prefix(1, 128), 'value': little(1)}]}))
    assert all(verdicts[v] for v in ('XDP_DROP', 'XDP_PASS', 'XDP_TX')), verdicts


def test_maps_of_redirect_targets_agree(work):
    verdicts = agrees(build(work, 'keyed', '-DKIND=3'), '--maps-in', maps_in(work, {
        'first': [{'key': little(k), 'value': little(1)} for k in (1, 3)], 'second': [{'key': little(k), 'value': little(1)} for k in (0, 2, 3)]}))
    assert all(verdicts[v] for v in ('XDP_DROP', 'XDP_PASS', 'XDP_REDIRECT')), verdicts


def test_device_gives_back_what_it_holds(work):
    obj = build(work, 'arrays')
    path = queues(work, {0: 'odd', 7: 'even'})
    dumps = []
    for executor in ('interp', 'microcode'):
        out = os.path.join(work, executor + '.json')
        lib.sluice('run', obj, '-t', executor, '-r', lib.mixed(200), '--maps-in', path, '--maps-out', out)
        with open(out) as f:
            dumps.append(json.load(f))
    assert dumps[0] == dumps[1]
    assert [(e['key'], e['value']) for e in dumps[1]['queues']] == [(little(0, 2), 'odd'), (little(7, 2), 'even')], dumps[1]['queues']
    assert [e['value'] for e in dumps[1]['tenants']] == ['red', 'green', 'blue', 'red'] and not dumps[1]['nobody'], dumps[1]['tenants']


def test_map_of_maps_of_which_nothing_is_said_may_hold_what_fits(work):
    obj = build(work, 'arrays')
    holds = lambda *options: [line.split(' holds ')[1] if ' holds ' in line else '' for line in
                              lib.sluice('disasm', '-f', 'ir', obj, *options).stdout.splitlines() if 'of_maps key' in line]
    assert holds() == ['0 1 2', '1', '0 1 2', '7 8'], holds()
    assert holds('--maps-in', queues(work, {3: 'odd'})) == ['0 1 2', '1', '', '8'], holds('--maps-in', queues(work, {3: 'odd'}))
    compare(obj, lib.mixed(50), 'interp,microcode')
