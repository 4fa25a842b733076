# SPDX-License-Identifier: BSD-3-Clause
"""Helpers and maps on every executor: each program of tests/progs/helpers mixes their results into a map."""
import glob
import json
import os

import lib

# What hardware does not run yet, and says so.
SOFTWARE_ONLY = {'events': 'hardware has 4096 bytes for all events of a packet', 'lost': 'an event in a loop',
                 'walk': 'bpf_for_each_map_elem over map flows, which is no array',
                 'text': 'bpf_strtol#105 is not available in hardware'}
# What only a pipeline does not run.
NO_PIPELINE = {'meta': 'packet store may reach bytes -256 to', 'frags': 'packet store may reach bytes 10 to'}
# What the kernel can't be asked, and the reason.
NOT_KERNEL = {'walk': 'walks over a hash, and Linux has an order of its own', 'percpu_elem': 'takes an RX queue here'}
FIB = ['--fib', os.path.join(lib.ROOT, 'tests', 'progs', 'helpers', 'fib.json')]
OPTIONS = {'cpu': ['--queue', '3'], 'percpu_elem': ['--queues', '4'], 'tail': ['-p', 'tail'], 'fib': FIB, 'mtu': FIB,
           'fib_questions': ['--fib', os.path.join(lib.ROOT, 'tests', 'progs', 'helpers', 'fib_questions.json')]}

# Their pipelines take so few clocks for a packet that a model is not worth optimising.
FEW_CLOCKS = ('cpu', 'fib', 'fib_questions', 'length_across_move')


def add(source):
    name = os.path.basename(source)[:-len('.bpf.c')]

    def agrees(work):
        if name in FEW_CLOCKS:
            lib.few_clocks()
        obj = lib.clang(source, os.path.join(work, name + '.o'))
        j = json.loads(lib.sluice('compare', obj, '-r', lib.mixed(1000), '--json', *OPTIONS.get(name, [])).stdout)
        assert j['mismatches'] == 0, (name, j['differences'][:5])
        for e in lib.EXECUTORS:
            skipped = j['executors'][e].get('skipped')
            if e == 'kernel' and name in NOT_KERNEL:
                assert skipped and (NOT_KERNEL[name] in skipped or not lib.kernel_allowed()), skipped
            elif e == 'kernel':
                assert not skipped or not lib.kernel_allowed(), skipped
            elif e != 'interp' and name in SOFTWARE_ONLY:
                assert SOFTWARE_ONLY[name] in skipped, skipped
            elif e == 'pipeline' and name in NO_PIPELINE:
                assert NO_PIPELINE[name] in skipped, skipped
            else:
                assert not skipped, (name, e, skipped)
    globals()[f'test_{name}_agrees_on_every_executor'] = agrees


for _source in sorted(glob.glob(os.path.join(lib.ROOT, 'tests', 'progs', 'helpers', '*.bpf.c'))):
    add(_source)


def test_prefixes_of_32_bytes_agree(work):
    lib.few_clocks()
    obj = helper_object(work, 'lpm', '-DMORE=28')
    j = lib.compare(obj, lib.mixed(1000), '-t', 'interp,kernel,microcode,pipeline')
    assert j['mismatches'] == 0 and 'cycles' in j['executors']['pipeline'], j['differences'][:5]
    assert 'map routes: bytes of a prefix: 32 wanted, the core has 16' in j['executors']['microcode']['skipped'], j['executors']['microcode']


def test_more_rounds_agree_on_the_core(work):
    obj = helper_object(work, 'rounds', '-DTIMES=4')
    j = lib.compare(obj, lib.mixed(1000), '-t', 'interp,kernel,microcode')
    assert j['mismatches'] == 0 and 'skipped' not in j['executors']['microcode'], j['differences'][:5]


def test_full_lru_map_evicts_the_same_on_every_executor_but_the_kernel(work):
    obj = lib.clang(os.path.join(lib.ROOT, 'tests', 'progs', 'helpers', 'lru.bpf.c'), os.path.join(work, 'lru.o'),
                    defines=['-DFLOWS=64'])
    maps = os.path.join(work, 'maps.json')
    j = json.loads(lib.sluice('compare', obj, '-r', lib.mixed(1000), '--json').stdout)
    if lib.kernel_allowed():
        assert 'is full, and Linux does not say which element it evicts' in j['executors']['kernel']['skipped'], j
    assert j['mismatches'] == 0, j['differences'][:5]
    assert not any('skipped' in j['executors'][e] for e in ('interp', 'microcode', 'pipeline')), j
    lib.sluice('run', obj, '-r', lib.mixed(1000), '--maps-out', maps)
    with open(maps) as f:
        counts = {name: len(entries) for name, entries in json.load(f).items()}
    assert 60 <= counts['flows'] <= 64 and counts['sources'] == 64, counts


def helper_object(work, name, *defines):
    return lib.clang(os.path.join(lib.ROOT, 'tests', 'progs', 'helpers', name + '.bpf.c'), os.path.join(work, name + '.o'), defines=defines)


def lines(work, what, obj, *options):
    path = os.path.join(work, 'lines')
    lib.sluice('run', obj, '-r', lib.mixed(1000), what, path, *options)
    with open(path) as f:
        return [json.loads(line) for line in f]


def keyless(values):
    return [{'key': [], 'value': [f'0x{b:02x}' for b in v]} for v in values]


def test_queue_is_filled_and_listed_in_order_on_every_executor(work):
    obj = helper_object(work, 'queue')
    given = {'queue': keyless(bytes([i]) * 8 for i in range(9)), 'stack': keyless(bytes([i + 100]) * 8 for i in range(7))}
    maps, out = os.path.join(work, 'maps.json'), os.path.join(work, 'out.json')
    with open(maps, 'w') as f:
        json.dump(given, f)
    for executor in lib.EXECUTORS:
        if executor == 'kernel' and not lib.kernel_allowed():
            continue
        written = []
        for count in (1, 20):
            capture = lib.traffic(f'few-{count}', '--count', count, '--flows', 500)
            lib.sluice('run', obj, '-t', executor, '-r', capture, '--maps-in', maps, '--maps-out', out)
            with open(out) as f:
                written.append({name: entries for name, entries in json.load(f).items() if name in given})
        if executor == 'interp':
            expected = written
            assert written[0]['queue'][:5] in (given['queue'][:5], given['queue'][1:6]), written
            assert written[0] != written[1], written
        assert written == expected, (executor, written, expected)
    given['queue'] += given['queue'][:2]  # one more than there is room for
    with open(maps, 'w') as f:
        json.dump(given, f)
    p = lib.sluice('run', obj, '-t', 'microcode', '-r', capture, '--maps-in', maps, status=2)
    assert 'the map has no room for this entry (max_entries is 10)' in p.stderr, p.stderr


def test_bloom_filter_is_filled_on_every_executor(work):
    obj = helper_object(work, 'bloom_sizes')
    maps = os.path.join(work, 'maps.json')
    with open(maps, 'w') as f:
        json.dump({'asked': keyless(bytes([ttl]) for ttl in range(64, 128, 5))}, f)
    j = lib.compare(obj, lib.mixed(1000), '--maps-in', maps, '-t', 'interp,kernel,microcode')
    assert j['mismatches'] == 0, j['differences'][:5]


def test_wide_values_of_queues_agree_on_the_core(work):
    obj = helper_object(work, 'queue_sizes', '-DWIDE')
    j = lib.compare(obj, lib.mixed(1000), '-t', 'interp,kernel,microcode')
    assert j['mismatches'] == 0, j['differences'][:5]
    assert 'skipped' not in j['executors']['microcode'], j


def test_map_of_programs_is_filled_by_name(work):
    obj = helper_object(work, 'tail')
    maps = os.path.join(work, 'maps.json')
    lib.sluice('run', obj, '-p', 'tail', '-r', lib.mixed(1000), '--maps-out', maps)
    with open(maps) as f:
        document = json.load(f)
    assert [(e['key'][0], e['value']) for e in document['steps']] == \
        [('0x00', 'parse_ip'), ('0x01', 'parse_other'), ('0x02', 'again')], document['steps']
    changed = {'steps': [{'key': ['0x00', '0x00', '0x00', '0x00'], 'value': 'parse_other'}]}
    with open(maps, 'w') as f:
        json.dump(changed, f)
    j = lib.compare(obj, lib.mixed(1000), '-p', 'tail', '--maps-in', maps)
    verdicts = j['executors']['interp']['verdicts']
    assert verdicts['XDP_PASS'] == 0 and verdicts['XDP_TX'] == 1000, verdicts
    changed['steps'][0]['value'] = 'nobody'
    with open(maps, 'w') as f:
        json.dump(changed, f)
    p = lib.sluice('run', obj, '-p', 'tail', '-r', lib.mixed(1000), '--maps-in', maps, status=2)
    assert 'no such XDP program' in p.stderr, p.stderr


def test_events_are_lines_by_packet_and_map(work):
    events = [e for e in lines(work, '--events', helper_object(work, 'events'), '--queue', '2') if 'lost' not in e]
    assert all(a['i'] <= b['i'] for a, b in zip(events, events[1:]))
    first = [e for e in events if e['i'] == events[0]['i']]
    assert [e['map'] for e in first] == sorted((e['map'] for e in first), reverse=True), first
    assert all(e['cpu'] == 2 for e in first if e['map'] == 'samples') and not any('cpu' in e for e in first if e['map'] == 'records')
    assert any(e['data'] == '' for e in first)


def test_records_without_room_are_counted_alike(work):
    obj = helper_object(work, 'lost')
    told = {}
    for executor in ('interp', 'kernel') if lib.kernel_allowed() else ('interp',):
        path = os.path.join(work, executor)
        j = json.loads(lib.sluice('run', obj, '-t', executor, '-r', lib.mixed(1000), '--events', path, '--json').stdout)
        with open(path) as f:
            events = [json.loads(line) for line in f]
        told[executor] = j['lost']
        assert events[-2:] == [{'map': m, 'lost': j['lost'][m]} for m in ('small', 'large')], events[-2:]
        packets = {e['i'] for e in events[:-2]}
        count = lambda m: sum(e.get('map') == m and 'data' in e for e in events)
        # 31 of the 40 or 41 that a packet makes have room; of the others 8 of 20, or are discarded
        assert count('small') == 31 * len(packets) and j['lost']['idle'] == 0, (j, len(packets))
        assert 9 * len(packets) < j['lost']['small'] <= 10 * len(packets) and j['lost']['large'] >= 12 * len(packets), (j, len(packets))
    assert len({json.dumps(v) for v in told.values()}) == 1, told
    assert f'records of small' in lib.sluice('run', obj, '-r', lib.mixed(1000)).stdout


def test_trace_shows_metadata_where_there_are_some(work):
    trace = lines(work, '--trace', helper_object(work, 'meta'))
    metas = [t['meta'] for t in trace if 'meta' in t]
    assert 0 < len(metas) < len(trace) and all(len(m) % 8 == 0 for m in metas), len(metas)


def test_bad_network_file_names_place_and_cure(work):
    obj = helper_object(work, 'fib')
    path = os.path.join(work, 'fib.json')
    links = '"interfaces": [{"ifindex": 3}]'
    for text, says in (('{"interfaces": [{"ifindex": 3}, {"ifindex": 3}]}', 'interfaces[1]: there is an interface 3 already'),
                       ('{"interfaces": [{"ifindex": 3, "mtu": 70}]}', 'interfaces[0]: "mtu" is none that is possible'),
                       ('{"interfaces": [{"ifindex": 3, "mac": "02:00:00"}]}', 'interfaces[0]: "mac"'),
                       ('{%s, "routes": [{"to": "10.0.0.1/8", "dev": 3}]}' % links, 'routes[0]: "to" has bits behind its length of 8'),
                       ('{%s, "routes": [{"to": "10.0.0.0/33", "dev": 3}]}' % links, 'routes[0]: "to" is no prefix'),
                       ('{%s, "routes": [{"to": "10.0.0.0/8", "dev": 4}]}' % links, 'routes[0]: "dev" is 4, and there is no such interface'),
                       ('{%s, "routes": [{"to": "10.0.0.0/8", "dev": 3, "via": "::1"}]}' % links, 'routes[0]: "via"'),
                       ('{%s, "routes": [{"to": "10.0.0.0/8", "type": "odd"}]}' % links, 'routes[0]: "type"'),
                       ('{%s, "routes": [{"to": "::/0", "dev": 3}, {"to": "::/0", "dev": 3}]}' % links, 'routes[1]: routes[0] has the same prefix'),
                       ('{%s, "neighbours": [{"address": "10.0.0", "dev": 3}]}' % links, 'neighbours[0]: "address" is no address'),
                       ('{%s, "neighbours": [{"address": "10.0.0.1", "dev": 3}]}' % links, 'neighbours[0]: "mac"'),
                       ('[]', 'not an object'), ('{', 'line 1')):
        with open(path, 'w') as f:
            f.write(text)
        p = lib.sluice('run', obj, '-r', lib.mixed(1000), '--fib', path, status=2)
        assert path in p.stderr and says in p.stderr, (text, p.stderr)


def test_map_of_maps_is_filled_by_name(work):
    obj = helper_object(work, 'inner')
    path = os.path.join(work, 'maps.json')
    lib.sluice('run', obj, '-r', lib.mixed(1000), '--maps-out', path)
    with open(path) as f:
        document = json.load(f)
    assert [(e['key'][0], e['value']) for e in document['tenants']] == [('0x00', 'first'), ('0x02', 'second')], document['tenants']
    assert sorted((e['key'][0], e['value']) for e in document['networks']) == [('0x01', 'many'), ('0x03', 'few')], document['networks']
    changed = {'tenants': [{'key': ['0x01', '0x00', '0x00', '0x00'], 'value': 'first'}]}
    with open(path, 'w') as f:
        json.dump(changed, f)
    lib.assert_agree(lib.compare(obj, lib.mixed(1000), '--maps-in', path), () if lib.kernel_allowed() else ('kernel',))
    for value, says in (('few', 'is refused: Invalid argument'), ('nobody', 'the object has no such map'), (['0x01'], 'is no name')):
        changed['tenants'][0]['value'] = value
        with open(path, 'w') as f:
            json.dump(changed, f)
        p = lib.sluice('run', obj, '-r', lib.mixed(1000), '--maps-in', path, status=2)
        assert says in p.stderr, p.stderr


def test_device_refuses_more_interfaces_than_it_holds(work):
    table = os.path.join(work, 'many.json')
    for count in (256, 257):
        with open(table, 'w') as f:
            json.dump({'interfaces': [{'ifindex': 1 + i} for i in range(count)]}, f)
        r = lib.sluice('run', helper_object(work, 'mtu'), '-t', 'microcode', '-r', lib.mixed(20), '--fib', table, status=None)
        assert (r.returncode == 0) == (count == 256), (count, r.returncode, r.stderr)
        assert count == 256 or '257 interfaces, and a device holds 256' in r.stderr, r.stderr


def questions_agree(work, flags, *executors):
    lib.few_clocks()
    obj = helper_object(work, 'fib_questions', f'-DFLAGS={flags}')
    j = lib.compare(obj, lib.mixed(1000), *OPTIONS['fib_questions'], '-t', ','.join(('interp', *executors)))
    assert j['mismatches'] == 0, (flags, j['differences'][:5])
    for e in executors:
        assert 'skipped' not in j['executors'][e] or (e == 'kernel' and not lib.kernel_allowed()), (flags, e, j['executors'][e])


def test_fib_lookup_direct_agrees_on_every_executor(work):
    questions_agree(work, 1, 'kernel', 'microcode', 'pipeline')


def test_fib_lookup_other_flags_agree_on_the_core(work):
    for flags in (4, 17, 32, 64):  # no neighbours, a source, a mark, unknown ones
        questions_agree(work, flags, 'kernel', 'microcode')


def test_fib_lookup_unfit_flags_are_refused_by_name(work):
    for flags, says in (('2', 'hardware does not take BPF_FIB_LOOKUP_OUTPUT'), ('9', 'hardware does not take BPF_FIB_LOOKUP_TBID'),
                        ('some', 'the flags in r4 are not a constant')):
        obj = helper_object(work, 'fib_questions', f'-DFLAGS={flags}')
        result = json.loads(lib.sluice('check', obj, '--json').stdout)['programs'][0]['executors']
        for executor in ('microcode', 'pipeline'):
            assert not result[executor]['fits'] and 'fib_questions.bpf.c:' in result[executor]['reason'] and says in result[executor]['reason'], result


def test_device_refuses_more_routes_than_it_holds(work):
    table = os.path.join(work, 'many.json')
    with open(table, 'w') as f:
        json.dump({'interfaces': [{'ifindex': 1}], 'routes': [{'to': f'10.0.{i // 256}.{i % 256}/32', 'dev': 1} for i in range(4096)]}, f)
    r = lib.sluice('run', helper_object(work, 'fib_questions'), '-t', 'microcode', '-r', lib.mixed(20), '--fib', table, status=None)
    assert r.returncode and '4097 routes, and a device holds 4096' in r.stderr, r.stderr


def test_perf_events_that_the_kernel_loses_end_its_run(work):
    if not lib.kernel_allowed():
        return
    obj = lib.clang(os.path.join(lib.ROOT, 'tests', 'progs', 'events', 'burst.bpf.c'), os.path.join(work, 'burst.o'))
    maps = os.path.join(work, 'maps.json')
    for count, packets, lost in ((3, 300, False), (900, 1, False), (1500, 1, True), (1500, 2, True)):
        with open(maps, 'w') as f:
            json.dump({'wanted': [lib.entry(bytes(4), count.to_bytes(4, 'little'))]}, f)
        capture = lib.traffic(f'burst-{packets}', '--count', packets)
        p = lib.sluice('compare', obj, '-t', 'interp,kernel', '-r', capture, '--maps-in', maps, '--json', status=2 if lost else 0)
        assert ('packet 0: the kernel lost perf events' in p.stderr) == lost, p.stderr
