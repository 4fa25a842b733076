# SPDX-License-Identifier: BSD-3-Clause
"""Packets that collide in maps on purpose give what they give one after the other, in the core and in a pipeline; with hazards off
kinds of collisions go wrong, so these streams can fail. The long form, each kind in a pipeline of its own: ./dev hazards."""
import concurrent.futures
import json
import os

import hazards
import hazards_random
import lib

NAMES = list(hazards.KINDS)
KEYED = [k for k in NAMES if k not in hazards.KEYLESS]
# As many as packets in the core.
CORE = range(1, 17)
# A pipeline each. Those with many accesses are by themselves, so that the packets of the others follow each other closely.
GROUPS = (
    ('array_rmw', 'hash_rmw', 'lookup_update', 'lookup_delete', 'insert_if_missing', 'delete_insert', 'two_maps'),
    ('atomic_plain', 'exchange', 'percpu', 'read_or_write', 'deleted', 'delete_or_update', 'full'),
    ('kept', 'odd_keys', 'neighbours', 'atomic_fetch', 'replaced'),
    ('bss', 'wide', 'lru'),
    ('locked', 'prefixes', 'one_prefix'),
    ('inner_arrays', 'inner_hashes'),
    hazards.KEYLESS,
)


def test_kinds_are_those_of_the_sources(work):
    assert hazards.kinds() == NAMES


def test_core_is_serial(work):
    for names in (KEYED, hazards.KEYLESS):
        obj = hazards.program(work, names)
        hazards.agree(work, obj, names, 'microcode', CORE, 8, hazards.PACES, 1, '--lockstep')


def test_random_programs_on_the_core_are_serial(work):
    failed, ran = hazards_random.run_programs(work, range(1, 25))
    assert not failed and ran['microcode'] > 20, ran


def test_core_with_slow_engines_is_serial(work):
    with hazards.environment(SLUICE_BUILD_DIR=hazards.slow_core(work, '-O0')):
        for names in (KEYED, hazards.KEYLESS):
            hazards.agree(work, hazards.program(work, names), names, 'microcode', CORE, 4, hazards.PACES[:1], 2, '--lockstep')


def test_core_without_tokens_goes_wrong(work):
    # a bucket is read and written within so few rows that the packets of these streams miss each other on the core
    for kind in (k for k in NAMES if k != 'bucket'):
        obj = hazards.program(work, [kind])
        for seed in range(5):
            if hazards.go_wrong(work, obj, [kind], 'microcode', CORE, 12, seed)[kind]:
                break
        else:
            assert False, f'{kind} agrees without tokens'


def group_is_serial(work, number):
    folder = os.path.join(work, str(number))
    os.makedirs(folder)
    obj = hazards.program(folder, GROUPS[number])
    hazards.agree(folder, obj, GROUPS[number], 'pipeline', range(1, hazards.depth(obj) + 1), 6, hazards.PACES, 1)


def test_pipelines_are_serial(work):
    assert sorted(sum(GROUPS, ())) == sorted(NAMES)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(group_is_serial, work, n) for n in range(len(GROUPS))]:
            done.result()


def test_pipeline_without_locks_goes_wrong(work):
    obj = hazards.program(work, GROUPS[0])
    left = set(GROUPS[0])
    for seed in range(5):
        found = hazards.go_wrong(work, obj, sorted(left), 'pipeline', CORE, 12, seed)
        left -= {kind for kind, distances in found.items() if distances}
        if not left:
            return
    assert False, f'{sorted(left)} agree without locks'


def test_host_that_reads_maps_meets_the_packets(work):
    names = ['hash_rmw', 'lookup_update', 'percpu']
    capture = hazards.write_capture(os.path.join(work, 'p.pcap'), hazards.stream(names, CORE, 4, 1), (60, 60), 1)
    run = ('run', hazards.program(work, names), '-t', 'microcode', '-r', capture, '--maps-in', hazards.maps_file(work, names), '--json')
    alone, meanwhile = (json.loads(lib.sluice(*run, *poll).stdout)['cycles'] for poll in ((), ('--poll-maps',)))
    assert meanwhile > alone
