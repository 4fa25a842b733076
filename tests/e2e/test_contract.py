# SPDX-License-Identifier: BSD-3-Clause
"""The command line's contract: JSON fields, trace lines, map files, outputs, on every executor."""
import glob
import json
import os
import random
import struct
import subprocess
import zlib

import lib


def run(work, name, executor, *options):
    """Runs an example; returns result, trace, maps and the output capture's bytes."""
    out, trace, maps = (os.path.join(work, f'{executor}.{x}') for x in ('pcap', 'trace', 'maps'))
    p = lib.sluice('run', lib.example(name), '-t', executor, '-r', lib.mixed(1000), '-w', out, '--trace', trace, '--maps-out', maps,
                   '--json', *lib.example_maps(name), *options)
    with open(trace) as f:
        lines = [json.loads(line) for line in f]
    with open(maps) as f:
        dump = json.load(f)
    with open(out, 'rb') as f:
        packets = f.read()
    return json.loads(p.stdout), lines, dump, packets


def executors():
    return [e for e in lib.EXECUTORS if e != 'kernel' or lib.kernel_allowed()]


def pcap_packets(image):
    """(time in ns, bytes) of each packet of a nanosecond pcap file."""
    magic, = struct.unpack_from('<I', image)
    assert magic == 0xa1b23c4d
    at, found = 24, []
    while at < len(image):
        s, ns, caplen, length = struct.unpack_from('<IIII', image, at)
        assert caplen == length
        found.append((s * 10**9 + ns, image[at + 16:at + 16 + caplen]))
        at += 16 + caplen
    return found


def test_run_gives_the_same_on_every_executor(work):
    for name in ('tunnel', 'ratelimit', 'redirect'):
        reference = None
        for e in executors():
            result, lines, maps, packets = run(work, name, e)
            for line in lines:
                line.pop('cycles', None)
                if e == 'kernel' or reference and reference[3] == 'kernel':
                    line.pop('redirect', None)
            if reference is None:
                reference = (lines, maps, packets, e)
                continue
            expected = [{k: v for k, v in line.items() if e != 'kernel' or k != 'redirect'} for line in reference[0]]
            assert lines == expected, f'{name} on {e}'
            assert maps == reference[1], f'{name} on {e}'
            assert packets == reference[2], f'{name} on {e}'


def test_run_result_has_the_fields_of_the_contract(work):
    for e in executors():
        result, lines, maps, packets = run(work, 'swap', e)
        lib.assert_run_fields(result, e)
        assert result['program'] == 'swap' and result['packets'] == 1000
        assert result['cycles'] > 1000 and result['latency_cycles']['p50'] > 0 if e in ('microcode', 'pipeline') else result['ns_per_packet'] > 0
        assert [l['i'] for l in lines] == list(range(1000))
        for l in lines:
            assert l['verdict'].startswith('XDP_') and 0 <= l['ret'] < 2**32 and len(l['crc32']) == 8 and l['len'] >= 14
            assert ('cycles' in l) == (e in ('microcode', 'pipeline'))
        left = [l for l in lines if l['verdict'] in ('XDP_PASS', 'XDP_TX', 'XDP_REDIRECT')]
        written = pcap_packets(packets)
        assert len(left) == len(written)
        for l, (_, data) in zip(left, written):
            assert l['len'] == len(data) and int(l['crc32'], 16) == zlib.crc32(data)


def test_maps_out_can_be_read_back_in(work):
    for e in executors():
        _, _, maps, _ = run(work, 'ratelimit', e)
        assert maps and all(list(x['key'] for x in m) == sorted(x['key'] for x in m) for m in maps.values())
        path = os.path.join(work, 'again.json')
        with open(path, 'w') as f:
            json.dump({k: v for k, v in maps.items() if not k.startswith('.')}, f)
        empty = lib.traffic('none', '--count', 0)
        out = os.path.join(work, 'again.out')
        lib.sluice('run', lib.example('ratelimit'), '-t', e, '-r', empty, '--maps-in', path, '--maps-out', out)
        with open(out) as f:
            assert json.load(f) == maps


def test_maps_of_odd_sizes_are_written_and_read_back_whole(work):
    """Values that are no multiple of the mailbox's window, and entries that straddle what a walk reads at once."""
    shapes = {'a': ('ARRAY', 40, 264, 0), 'b': ('PERCPU_ARRAY', 700, 24, 4), 'c': ('HASH', 100, 72, 0), 'd': ('PERCPU_HASH', 20, 40, 4)}
    source = os.path.join(work, 'm.bpf.c')
    with open(source, 'w') as f:
        f.write('#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n')
        for name, (kind, entries, size, _) in shapes.items():
            f.write(f'struct {{ __uint(type, BPF_MAP_TYPE_{kind}); __uint(max_entries, {entries}); __type(key, __u32);\n'
                    f'  __type(value, struct {{ char x[{size}]; }}); }} {name} SEC(".maps");\n')
        f.write('SEC("xdp") int f(struct xdp_md *ctx) { __u32 k = 1; return ' +
                ' + '.join(f'!bpf_map_lookup_elem(&{name}, &k)' for name in shapes) + '; }\nchar l[] SEC("license") = "GPL";\n')
    obj, path, out = lib.clang(source, os.path.join(work, 'm.o')), os.path.join(work, 'in'), os.path.join(work, 'out')
    rng = random.Random(7)
    maps = {}
    for name, (_, entries, size, cpus) in shapes.items():
        maps[name] = [lib.entry(i.to_bytes(4, 'little'), b'', cpus) for i in range(entries)]
        for e in maps[name]:
            for v in e['values'] if cpus else [e]:
                v['value'] = [f'0x{x:02x}' for x in rng.randbytes(size)]
        maps[name].sort(key=lambda e: e['key'])
    with open(path, 'w') as f:
        json.dump(maps, f)
    for e in executors():
        lib.sluice('run', obj, '-t', e, '-r', lib.traffic('tiny', '--count', 4), '--maps-in', path, '--maps-out', out)
        with open(out) as f:
            assert json.load(f) == maps, e


def test_repeat_goes_on_in_time_and_number(work):
    trace = os.path.join(work, 'trace')
    for e in executors():
        p = lib.sluice('run', lib.example('ratelimit'), '-t', e, '-r', lib.traffic('tiny', '--count', 4), '--repeat', 3, '--trace', trace,
                       '--json', *lib.example_maps('ratelimit'))
        assert json.loads(p.stdout)['packets'] == 12
        with open(trace) as f:
            assert [json.loads(l)['i'] for l in f] == list(range(12))


def test_queue_and_ifindex_reach_the_program(work):
    source = os.path.join(work, 'q.bpf.c')
    with open(source, 'w') as f:
        f.write('#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n'
                'SEC("xdp") int q(struct xdp_md *c) { return c->rx_queue_index * 1000 + c->ingress_ifindex * 10 '
                '+ bpf_get_smp_processor_id(); }\nchar l[] SEC("license") = "GPL";\n')
        f.write('SEC("xdp/devmap") int out(struct xdp_md *c) { return c->egress_ifindex * 10 + c->ingress_ifindex; }\n')
    obj = lib.clang(source, os.path.join(work, 'q.o'))
    trace = os.path.join(work, 'trace')
    for e in executors():
        lib.sluice('run', obj, '-p', 'out', '-t', e, '-r', lib.traffic('tiny', '--count', 4), '--egress', 300, '--ifindex', 7, '--trace', trace)
        with open(trace) as f:
            assert [json.loads(line)['ret'] for line in f] == [3007] * 4, e
        lib.sluice('run', obj, '-p', 'q', '-t', e, '-r', lib.traffic('tiny', '--count', 4), '--queue', 2, '--ifindex', 7, '--trace', trace)
        with open(trace) as f:
            for line in f:
                assert json.loads(line)['ret'] == 2072, (e, line)
                assert json.loads(line)['verdict'] == 'XDP_ABORTED'
        # several queues in turn: Linux's test runs have one CPU
        p = lib.sluice('run', obj, '-p', 'q', '-t', e, '-r', lib.traffic('tiny', '--count', 4), '--queue', 2, '--queues', 3, '--trace', trace,
                       status=4 if e == 'kernel' else 0)
        if e == 'kernel':
            assert 'one CPU, not on 3 in turn' in p.stderr, p.stderr
            continue
        with open(trace) as f:
            assert [json.loads(line)['ret'] for line in f] == [2012, 3013, 10, 2012], e


def test_seed_decides_random_numbers(work):
    source = os.path.join(work, 'r.bpf.c')
    with open(source, 'w') as f:
        f.write('#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n'
                'SEC("xdp") int r(struct xdp_md *c) { __u32 a = bpf_get_prandom_u32(); return a ^ (bpf_get_prandom_u32() >> 3); }\n'
                'char l[] SEC("license") = "GPL";\n')
    obj = lib.clang(source, os.path.join(work, 'r.o'))
    trace = os.path.join(work, 'trace')

    def values(executor, seed):
        lib.sluice('run', obj, '-t', executor, '-r', lib.mixed(1000), '--seed', seed, '--trace', trace)
        with open(trace) as f:
            return [json.loads(line)['ret'] for line in f]
    first = values('interp', 1)
    assert len(set(first)) > 990
    assert values('interp', 2) != first
    for e in executors():
        assert values(e, 1) == first, e


def test_check_json_has_the_fields_of_the_contract(work):
    j = json.loads(lib.sluice('check', lib.example('firewall'), '--json').stdout)
    program, = j['programs']
    assert program['accepted'] is True and program['name'] and program['section'].startswith('xdp')
    assert program['instructions'] > 10
    for e in ('interp', 'microcode', 'pipeline'):
        assert program['executors'][e]['fits'] is True
    assert program['executors']['microcode']['rows'] > 0 and program['executors']['pipeline']['stages'] > 0


def test_check_json_of_a_rejected_program_has_its_executors(work):
    source = os.path.join(work, 'bad.bpf.c')
    with open(source, 'w') as f:
        f.write('#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n'
                'SEC("xdp") int f(struct xdp_md *c) { return *(char *)(long)c->data; }\nSEC("xdp") int g(struct xdp_md *c) { return 1; }\n'
                'char l[] SEC("license") = "GPL";\n')
    p = lib.sluice('check', lib.clang(source, os.path.join(work, 'bad.o')), '--json', status=3)
    f, g = json.loads(p.stdout)['programs']
    assert (f['name'], f['accepted'], g['name'], g['accepted']) == ('f', False, 'g', True)
    assert list(f['executors']) == list(g['executors']) == lib.EXECUTORS
    assert all(e['fits'] is False and 'VFY' in e['reason'] for e in f['executors'].values())
    assert 'taking' not in p.stderr


def test_read_only_data_of_a_map_file_is_what_is_verified_and_run(work):
    source = os.path.join(work, 'ro.bpf.c')
    with open(source, 'w') as f:
        f.write('#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\nconst volatile __u32 verdict = 2;\n'
                'SEC("xdp") int f(struct xdp_md *c) { return verdict; }\nchar l[] SEC("license") = "GPL";\n')
    obj, maps = lib.clang(source, os.path.join(work, 'ro.o')), os.path.join(work, 'maps')
    with open(maps, 'w') as f:
        json.dump({'.rodata': [lib.entry(bytes(4), (3).to_bytes(4, 'little'))]}, f)
    result = lib.compare(obj, lib.mixed(1000), '--maps-in', maps)
    lib.assert_agree(result, () if lib.kernel_allowed() else ('kernel',))
    assert result['executors']['interp']['verdicts']['XDP_TX'] == 1000
    out = os.path.join(work, 'out')
    lib.sluice('run', obj, '-r', lib.mixed(1000), '--maps-in', maps, '--maps-out', out)
    with open(maps) as a, open(out) as b:
        assert json.load(a) == json.load(b)


def test_compare_of_executors_that_agree_exits_0(work):
    result = lib.compare(lib.example('swap'), lib.mixed(1000))
    assert result['mismatches'] == 0 and result['differences'] == []
    for name, e in result['executors'].items():
        assert 'skipped' in e or e['packets'] == 1000 and e['executor'] == name


def test_compare_tells_differences_and_exits_1(work):
    """A planted fault: in the core's place stands a device that drops every packet, the pipeline of another program."""
    cache, build = os.path.join(work, 'cache'), os.path.join(work, 'build')
    os.mkdir(build)
    env = dict(os.environ, SLUICE_CACHE=cache)
    subprocess.run([lib.SLUICE, 'run', lib.example('drop'), '-t', 'pipeline', '-r', lib.traffic('tiny', '--count', 4)], env=env, check=True,
                   stdout=subprocess.DEVNULL)
    model, = glob.glob(os.path.join(cache, '*.so'))
    os.rename(model, os.path.join(build, 'core_model.so'))
    os.symlink(os.path.join(lib.BUILD, 'sluice-sim.so'), os.path.join(build, 'sluice-sim.so'))
    p = subprocess.run([lib.SLUICE, 'compare', lib.example('swap'), '-t', 'interp,microcode', '-r', lib.traffic('tiny', '--count', 4),
                        '--json'], env=dict(env, SLUICE_BUILD_DIR=build), capture_output=True, text=True)
    assert p.returncode == 1, p
    result = json.loads(p.stdout)
    assert result['mismatches'] == result['executors']['microcode']['mismatches'] == 4
    ret = [d for d in result['differences'] if d['field'] == 'ret']
    assert [(d['packet'], d['executor'], d['expected'], d['got']) for d in ret] == [(i, 'microcode', 3, 1) for i in range(4)]
    assert [d for d in result['differences'] if d['field'] == 'bytes']


def test_compile_writes_image_verilog_listing_and_cost(work):
    both, again = (os.path.join(work, n) for n in ('both', 'again'))
    written = []
    for t, suffix in (('microcode', 'ucode'), ('pipeline', 'v')):
        names = lib.sluice('compile', lib.example('firewall'), '-t', t, '-o', both).stdout.split()
        assert len(names) == 3 and all(os.path.getsize(n) > 100 for n in names)
        assert [n for n in names if n.endswith('.' + suffix)]
        with open([n for n in names if n.endswith('.cost.json')][0]) as f:
            cost = json.load(f)
        assert cost['executor'] == t
        assert (cost['rows'] if t == 'microcode' else cost['stages']) > 0
        with open([n for n in names if n.endswith('.lst')][0]) as f:
            assert 'firewall.bpf.c' in f.read()
        result = json.loads(lib.sluice('compile', lib.example('firewall'), '-t', t, '-o', again, '--json').stdout)
        assert (result['program'], result['executor']) == ('firewall', t)
        assert [os.path.basename(n) for n in result['files']] == [os.path.basename(n) for n in names]
        assert min(result['verify_ns'], result['ir_ns'], result['compile_ns']) > 0
        written += names
    assert sorted(os.listdir(both)) == sorted(os.path.basename(n) for n in written)  # neither overwrote the other's
    for n in written:
        with open(n, 'rb') as a, open(os.path.join(again, os.path.basename(n)), 'rb') as b:
            assert a.read() == b.read(), f'{n} is not the same when made again'


def test_waves_are_written(work):
    lib.few_clocks()
    for e in ('microcode', 'pipeline'):
        path = os.path.join(work, e + '.fst')
        lib.sluice('run', lib.example('swap'), '-t', e, '-r', lib.traffic('tiny', '--count', 4), '--waves', path)
        assert os.path.getsize(path) > 500


def test_traffic_depends_on_its_options_only(work):
    a, b, c = (os.path.join(work, x) for x in 'abc')
    for path, seed in ((a, 5), (b, 5), (c, 6)):
        lib.sluice('traffic', '-w', path, '--count', 300, '--seed', seed)
    images = [open(p, 'rb').read() for p in (a, b, c)]
    assert images[0] == images[1] != images[2]
    packets = pcap_packets(images[0])
    assert len(packets) == 300 and sorted(t for t, _ in packets) == [t for t, _ in packets]
    kinds = {data[12:14] for _, data in packets}
    assert {b'\x08\x00', b'\x86\xdd'} <= kinds
    lib.sluice('traffic', '-w', a, '--count', 50, '--size', 9000, '--malformed', 0)
    assert {len(d) for _, d in pcap_packets(open(a, 'rb').read())} == {9000}
