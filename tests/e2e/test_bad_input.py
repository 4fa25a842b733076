# SPDX-License-Identifier: BSD-3-Clause
"""Bad input: the exit status, a message that says what, where and what to do, and nothing left behind."""
import json
import os
import struct
import subprocess

import lib

HEAD = '''#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
char _license[] SEC("license") = "GPL";
'''


def program(work, body, name='p', **kw):
    path = os.path.join(work, name + '.bpf.c')
    with open(path, 'w') as f:
        f.write(HEAD + body)
    return lib.clang(path, os.path.join(work, name + '.o'), **kw)


def fails(status, *args, says=()):
    """The command ends with this status; its stderr has every one of the words."""
    p = lib.sluice(*args, status=status)
    for word in says:
        assert word.lower() in p.stderr.lower(), f'"{word}" is not in: {p.stderr}'
    return p


def pcap(path, packets, caplen=None):
    with open(path, 'wb') as f:
        f.write(struct.pack('<IHHiIII', 0xa1b23c4d, 2, 4, 0, 0, 262144, 1))
        for i, data in enumerate(packets):
            f.write(struct.pack('<IIII', 1, i, len(data), caplen or len(data)) + data)
    return path


def capture():
    return lib.mixed(1000)


def test_missing_object_is_named(work):
    fails(2, 'run', os.path.join(work, 'none.o'), '-r', capture(), says=['none.o', 'no such file'])


def test_text_file_is_not_elf(work):
    path = os.path.join(work, 'text.o')
    with open(path, 'w') as f:
        f.write('hello, this is not an object file\n' * 20)
    fails(2, 'check', path, says=['text.o', 'ELF'])


def test_empty_object_is_not_elf(work):
    path = os.path.join(work, 'empty.o')
    open(path, 'w').close()
    fails(2, 'check', path, says=['empty.o'])


def test_object_of_another_machine_is_named(work):
    fails(2, 'check', '/bin/true', says=['x86'])


def test_object_truncated_anywhere_is_refused(work):
    with open(lib.example('firewall'), 'rb') as f:
        image = f.read()
    path = os.path.join(work, 'cut.o')
    for k in range(40):
        with open(path, 'wb') as f:
            f.write(image[:len(image) * k // 40])
        fails(2, 'check', path, says=['cut.o'])


def test_object_without_xdp_program_names_its_sections(work):
    obj = program(work, 'SEC("tc") int f(struct __sk_buff *s) { return 0; }')
    fails(2, 'check', obj, says=['XDP', 'tc'])


def test_unknown_program_lists_those_there_are(work):
    fails(2, 'run', lib.example('drop'), '-p', 'nothing', '-r', capture(), says=['nothing', 'section xdp'])


def test_unknown_helper_is_named_with_its_number(work):
    obj = program(work, 'SEC("xdp") int f(struct xdp_md *c) { return bpf_skb_vlan_pop((void *)c) ? 1 : 2; }')
    fails(3, 'check', obj, says=['19', 'skb_vlan_pop'])
    obj = program(work, 'static long (*const strange)(void) = (void *)9999;\n'
                  'SEC("xdp") int f(struct xdp_md *c) { return strange() ? 1 : 2; }')
    fails(3, 'check', obj, says=['9999'])


def test_unsupported_map_type_is_named(work):
    obj = program(work, '''struct { __uint(type, BPF_MAP_TYPE_STACK_TRACE); __uint(max_entries, 4); __uint(key_size, 4);
                  __uint(value_size, 8); } traces SEC(".maps");
                  SEC("xdp") int f(struct xdp_md *c) { __u32 k = 0; return bpf_map_delete_elem(&traces, &k) ? 1 : 2; }''')
    p = lib.sluice('check', obj, status=None)
    assert p.returncode in (2, 3, 4), p
    assert 'traces' in p.stderr + p.stdout and 'stack_trace' in p.stderr + p.stdout, p


def test_rejected_program_says_instruction_and_line(work):
    obj = program(work, 'SEC("xdp") int f(struct xdp_md *c) {\n  char *d = (char *)(long)c->data;\n  return d[20];\n}')
    p = fails(3, 'check', obj, says=['instruction', 'p.bpf.c:6', 'VFY'])
    assert p.stdout.count('rejected') == 1
    j = json.loads(lib.sluice('check', obj, '--json', status=3).stdout)['programs'][0]
    assert j['accepted'] is False and j['code'].startswith('VFY') and j['line'] == 6 and 'insn' in j and j['message']
    fails(3, 'run', obj, '-r', capture(), says=['VFY'])
    fails(3, 'compare', obj, '-r', capture(), says=['VFY'])
    fails(3, 'compile', obj, '-t', 'pipeline', '-o', os.path.join(work, 'out'))
    assert not os.path.exists(os.path.join(work, 'out'))


def too_large_for_the_core(work):
    return program(work, '''struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1 << 29); __type(key, __u32);
      __type(value, __u64); } big SEC(".maps");
      SEC("xdp") int f(struct xdp_md *c) { __u32 k = 7; __u64 *v = bpf_map_lookup_elem(&big, &k); return v && *v ? XDP_DROP : XDP_PASS; }''')


def test_program_that_does_not_fit_exits_4(work):
    obj = too_large_for_the_core(work)
    fails(4, 'run', obj, '-t', 'microcode', '-r', capture(), says=['microcode', 'map big', '536870912'])
    fails(4, 'compile', obj, '-t', 'microcode', '-o', os.path.join(work, 'out'), says=['map big'])
    fails(4, 'disasm', obj, '-f', 'microcode', says=['map big'])
    j = json.loads(lib.sluice('check', obj, '--json').stdout)['programs'][0]['executors']
    assert j['microcode']['fits'] is False and 'map big' in j['microcode']['reason'] and j['interp']['fits']


def test_compare_where_nothing_fits_prints_the_reasons_and_exits_4(work):
    obj = too_large_for_the_core(work)
    p = fails(4, 'compare', obj, '-r', capture(), '-t', 'microcode', says=['no executor'])
    assert 'microcode  skipped: ' in p.stdout and 'map big' in p.stdout and '{' not in p.stdout + p.stderr
    j = json.loads(fails(4, 'compare', obj, '-r', capture(), '-t', 'microcode', '--json').stdout)
    assert 'map big' in j['executors']['microcode']['skipped'] and j['mismatches'] == 0 and j['differences'] == []


def test_missing_tools_of_the_simulation_are_named(work):
    tools = os.path.join(work, 'tools')
    cache = os.path.join(work, 'cache')
    os.mkdir(tools)
    os.mkdir(cache)
    run = [lib.SLUICE, 'run', lib.example('drop'), '-r', capture(), '-t', 'pipeline']
    env = {'SLUICE_CACHE': cache, 'PATH': tools}
    for tool, word in ((None, 'erilator'), ('verilator', 'C++ compiler')):
        if tool:
            os.symlink('/bin/true', os.path.join(tools, tool))
        p = subprocess.run(run, env=env, capture_output=True, text=True)
        assert p.returncode == 2 and word in p.stderr and 'not in PATH' in p.stderr, p
        assert os.listdir(cache) == []


def test_usage_errors_exit_2(work):
    for args in ([], ['nonsense'], ['run'], ['run', lib.example('drop')], ['run', 'a.o', 'b.o', '-r', 'x'],
                 ['run', lib.example('drop'), '-r', capture(), '-t', 'gpu'],
                 ['run', lib.example('drop'), '-r', capture(), '--queue', '99'],
                 ['run', lib.example('drop'), '-r', capture(), '--seed', 'x'],
                 ['run', lib.example('drop'), '-r', capture(), '--repeat', '0'],
                 ['compile', lib.example('drop'), '-t', 'interp', '-o', work],
                 ['compare', lib.example('drop'), '-r', capture(), '-t', 'interp,what'],
                 ['traffic'], ['traffic', '-w', os.path.join(work, 'x'), '--size', '5'],
                 ['traffic', '-w', os.path.join(work, 'x'), '--mix', 'beer=3'],
                 ['traffic', '-w', os.path.join(work, 'x'), '--mix', 'tcp=0,udp=0'],
                 ['compare', lib.example('drop'), '-r', capture(), '-t', 'interp,interp'],
                 ['compare', lib.example('drop'), '-r', capture(), '-t', ',']):
        p = lib.sluice(*args, status=2)
        assert p.stderr, args
    assert not os.path.exists(os.path.join(work, 'x'))


def test_usage_errors_say_what_is_wrong(work):
    run = ['run', lib.example('drop'), '-r', capture()]
    x = os.path.join(work, 'x')
    duplicate = os.path.join(work, 'duplicate.json')
    with open(duplicate, 'w') as f:
        f.write('{"a": 1, "a": 2}')
    for args, says in ((['traffic', '-w', x, '--mix', 'tcp=0'], ['--mix', 'tcp=0', 'above 0']),
                       (['traffic', '-w', x, '--mix', 'tcp=1,tcp=2'], ['tcp twice']),
                       (['traffic', '-w', x, '--start', 2**63], ['--start']),
                       (['traffic', '-w', x, '--replies', 101], ['--replies']),
                       (['traffic', '-w', x, '--replies-to', '192.0.2.256'], ['--replies-to', '"192.0.2.256"']),
                       (['traffic', '-w', x, '--replies-to', '192.0.2.1:9-8'], ['--replies-to', '192.0.2.1:1024-2047']),
                       (['traffic', '-w', x, '--replies-to', '192.0.2.1:1-2x'], ['--replies-to']),
                       (['traffic', '-w', x, '--replies-to', '192.0.2.1:5'], ['--replies-to']),
                       ([*run, '--dump', 'nope'], ['"nope"', 'gvn', 'all']),
                       ([*run, '--icarus'], ['--icarus', '-t pipeline']),
                       ([*run, '-t', 'gpu'], ['"gpu"', 'interp', 'pipeline']),
                       (['compare', lib.example('drop'), '-r', capture(), '-t', 'interp,gpu'], ['"gpu"', 'interp', 'pipeline']),
                       (['compare', lib.example('drop'), '-r', capture(), '--repeat', 10**9], ['memory', 'GiB', '--repeat']),
                       (['help', 'nonsense'], ['nonsense']),
                       *(([*args, path], [path, why])
                         for args in ([*run, '--maps-in'], [*run, '--fib'], ['check', '--raw', lib.example('drop'), '--maps'])
                         for path, why in ((work, 'is a directory'), (os.path.join(work, 'none.json'), 'no such file'))),
                       ([*run, '--fib', duplicate], ['line 1', '"a"'])):
        fails(2, *args, says=says)
    assert not os.path.exists(x)
    for text in ('', ' 5', '+5', '-5', '5 ', '1e6', '0x', '5k'):
        fails(2, *run, '--seed', text, says=['--seed', f'"{text}"'])
    lib.sluice('traffic', '-w', x, '--count', '010')
    assert json.loads(lib.sluice('run', lib.example('drop'), '-r', x, '--json', '--seed', '0xFf').stdout)['packets'] == 10
    for args in (['help', 'run'], ['run', '--help']):
        assert lib.sluice(*args).stdout.startswith('Usage: sluice run [OPTION...] OBJECT\n')


def test_times_that_pcap_has_no_room_for_are_refused(work):
    path = os.path.join(work, 'x.pcap')
    with open(path, 'wb') as f:
        f.write(struct.pack('<IHHiIII', 0xa1b23c4d, 2, 4, 0, 0, 262144, 1))
        for seconds in (1, 2**32 - 2):
            f.write(struct.pack('<IIII', seconds, 0, 60, 60) + bytes(60))
    lib.sluice('run', lib.example('swap'), '-r', path, '-w', os.path.join(work, 'w'))
    fails(2, 'run', lib.example('swap'), '-r', path, '--repeat', 2, '-w', os.path.join(work, 'v'), says=['-w', 'value too large'])
    assert sorted(os.listdir(work)) == ['w', 'x.pcap']


def test_capture_that_is_empty_cut_or_foreign_is_refused(work):
    path = os.path.join(work, 'x.pcap')
    run = lambda *says: fails(2, 'run', lib.example('drop'), '-r', path, '-w', os.path.join(work, 'out.pcap'), says=['x.pcap', *says])
    open(path, 'w').close()
    run()
    with open(capture(), 'rb') as f:
        image = f.read()
    with open(path, 'wb') as f:
        f.write(image[:5000])
    run('packet')
    with open(path, 'wb') as f:
        f.write(image[:20])
    run()
    with open(path, 'w') as f:
        f.write('not a capture at all')
    run()
    pcap(path, [b'x' * 60])
    with open(path, 'r+b') as f:
        f.seek(20)
        f.write(struct.pack('<I', 113))
    run('LINUX_SLL', '113')
    pcap(path, [b'x' * 60], caplen=90)
    run('packet 0')
    fails(2, 'run', lib.example('drop'), '-r', os.path.join(work, 'none.pcap'), says=['none.pcap', 'no such file'])
    assert not os.path.exists(os.path.join(work, 'out.pcap'))


def test_capture_without_packets_runs(work):
    path = pcap(os.path.join(work, 'zero.pcap'), [])
    for t in lib.EXECUTORS[:1] + lib.EXECUTORS[2:]:
        j = json.loads(lib.sluice('run', lib.example('drop'), '-t', t, '-r', path, '--json').stdout)
        assert j['packets'] == 0
    assert lib.compare(lib.example('drop'), path)['mismatches'] == 0


def test_runts_and_giants_are_counted_and_run_nowhere(work):
    sizes = list(range(0, 20)) + [60, 9000, 9216, 9217, 12000, 60]
    path = pcap(os.path.join(work, 'sizes.pcap'), [bytes([i]) * n for i, n in enumerate(sizes)])
    trace = os.path.join(work, 'trace')
    for t in ('interp', 'microcode', 'pipeline'):
        j = json.loads(lib.sluice('run', lib.example('swap'), '-t', t, '-r', path, '--trace', trace, '--json').stdout)
        assert (j['packets'], j['runts'], j['giants']) == (10, 14, 2), j
        with open(trace) as f:
            lines = [json.loads(line) for line in f]
        assert [l['i'] for l in lines] == list(range(len(sizes)))
        assert [l['verdict'] for l in lines[:14]] == ['RUNT'] * 14
        assert [l['len'] for l in lines[14:20]] == sizes[14:20]
    result = lib.compare(lib.example('swap'), path, '-t', 'interp,microcode,pipeline')
    assert result['mismatches'] == 0


def test_kernel_says_which_packet_it_cannot_take(work):
    path = pcap(os.path.join(work, 'jumbo.pcap'), [b'x' * 60, b'y' * 9000])
    result = lib.compare(lib.example('swap'), path)
    assert '9000' in result['executors']['kernel']['skipped'] or not lib.kernel_allowed()
    assert result['mismatches'] == 0
    result = lib.compare(lib.example('swap'), path, '-t', 'kernel,interp')
    assert result['reference'] == 'interp' and result['mismatches'] == 0 and 'skipped' in result['executors']['kernel']


def maps_file(work, text):
    path = os.path.join(work, 'maps.json')
    with open(path, 'w') as f:
        f.write(text)
    return path


def test_bad_map_files_are_refused(work):
    obj = lib.example('count')
    out = os.path.join(work, 'out.json')
    before = json.loads(dump(obj, out))
    name = next(iter(before))
    size = len(before[name][0]['values'][0]['value'])
    cases = [
        ('{"x": [', ['malformed', 'line 1']),
        ('[1, 2]', ['maps.json']),
        ('{"no_such_map": []}', ['no_such_map', name]),
        (json.dumps({name: [{'key': [k, 0, 0, 0], 'value': [0] * size} for k in (2, 1, 2)]}), ['maps.json', name + '[2]', 'entry 0']),
        (json.dumps({name: [{'key': ['0x1'], 'value': ['0x0'] * size}]}), [name, 'key', '4']),
        (json.dumps({name: [{'key': ['0x1', '0', '0', '0'], 'value': ['0x0'] * 3}]}), [name, 'value']),
        (json.dumps({name: [{'key': ['0x1ff', '0', '0', '0'], 'value': ['0x0'] * size}]}), [name, 'byte 0']),
        (json.dumps({name: [{'key': ['0xff'] * 4, 'value': ['0x0'] * size}]}), ['room']),
        (json.dumps({name: 7}), [name]),
        (json.dumps({name: [7]}), [name]),
    ]
    os.unlink(out)
    for text, says in cases:
        fails(2, 'run', obj, '-r', capture(), '--maps-in', maps_file(work, text), '--maps-out', out, says=says)
        fails(2, 'compare', obj, '-r', capture(), '--maps-in', maps_file(work, text), '-t', 'interp', says=says)
        assert not os.path.exists(out)
    fails(2, 'run', obj, '-r', capture(), '--maps-in', os.path.join(work, 'none.json'), says=['none.json'])


def dump(obj, out):
    lib.sluice('run', obj, '-r', capture(), '--maps-out', out)
    with open(out) as f:
        return f.read()


def test_full_disk_leaves_nothing_behind(work):
    small = os.path.join(work, 'small')
    os.mkdir(small)
    subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=16k', 'tmpfs', small], check=True)
    try:
        for option in ('-w', '--trace', '--maps-out'):
            fails(2, 'run', lib.example('count' if option == '--maps-out' else 'swap'), '-r', capture(), option,
                  os.path.join(small, 'out'), says=['no space'])
            assert os.listdir(small) == [], os.listdir(small)
        fails(2, 'traffic', '-w', os.path.join(small, 'out'), says=['no space'])
        fails(2, 'compile', lib.example('firewall'), '-t', 'pipeline', '-o', small, says=['no space'])
        assert [f for f in os.listdir(small) if 'XXXX' in f or f.endswith('.v')] == []
    finally:
        subprocess.run(['umount', small], check=True)


def test_output_folder_that_is_missing_is_named(work):
    for option in ('-w', '--trace', '--maps-out'):
        fails(2, 'run', lib.example('swap'), '-r', capture(), option, os.path.join(work, 'none', 'out'), says=['none/out'])


def test_devices_are_written_and_not_replaced(work):
    null = os.path.join(work, 'null')
    full = os.path.join(work, 'full')
    os.mknod(null, 0o666 | 0o020000, os.makedev(1, 3))
    os.mknod(full, 0o666 | 0o020000, os.makedev(1, 7))
    for option in ('-w', '--trace', '--maps-out'):
        lib.sluice('run', lib.example('swap'), '-r', capture(), option, null)
        fails(2, 'run', lib.example('swap'), '-r', capture(), option, full,
              says=['no space']) if option != '--maps-out' else None
    for path in (null, full):
        assert not os.path.isfile(path), f'{path} was replaced'
    with open(full, 'w') as out:
        p = subprocess.run([lib.SLUICE, 'check', lib.example('swap')], stdout=out, stderr=subprocess.PIPE, text=True)
    assert p.returncode == 2 and 'standard output' in p.stderr
