# SPDX-License-Identifier: BSD-3-Clause
"""sluice dev: devices of a process that runs, by DPDK's telemetry socket; beside packets that flow, and with requests that make no sense."""
import json
import os
import socket
import threading
import time

import lib
import testpmd

# what testpmd sends by itself: UDP from 198.18.0.1 to 198.18.0.2, port 9 to 9
FLOW = '0xc6120001c61200020009000911000000'
DENY, ALLOW = (0).to_bytes(24, 'little').hex(), ((0).to_bytes(16, 'little') + (1).to_bytes(8, 'little')).hex()


def dev(t, *args, status=0):
    """A command's result, or what it says went wrong."""
    p = lib.sluice('dev', '--file-prefix', t.prefix, '--json', *args, status=status, timeout=60)
    return p.stderr if status else json.loads(p.stdout)


def until(true, what):
    start = time.time()
    while not true():
        assert time.time() - start < testpmd.PATIENCE, what
        time.sleep(0.05)


def value_of(entry):
    return bytes(int(x, 16) for x in entry['value'])


def test_rules_of_a_firewall_change_while_packets_flow(work):
    with testpmd.Testpmd(work, [f'net_sluice0,port=loopback,prog={lib.example("firewall")}'], telemetry=True) as t:
        listed = dev(t, 'list')
        assert [(d['port'], d['name'], d['program'], d['state']) for d in listed] == [(0, 'net_sluice0', 'firewall', 'started')], listed
        info = dev(t, 'info')
        assert info['program']['executor'] == 'microcode' and info['program']['maps'] == 2 and info['links'][0] == 1, info
        maps = dev(t, 'map', 'show')
        assert [(m['id'], m['name'], m['type'], m['bytes_key'], m['bytes_value']) for m in maps] == \
            [(0, 'rules', 'hash', 16, 24), (1, 'settings', 'array', 4, 4)], maps
        dev(t, 'map', 'update', 'name', 'settings', 'key', 0, 0, 0, 0, 'value', 'hex', 1, 0, 0, 0)
        t.ask('start tx_first')
        dev(t, 'map', 'update', 'name', 'rules', 'key', FLOW, 'value', 'hex', ALLOW, 'noexist')
        assert 'already' in dev(t, 'map', 'update', 'id', 0, 'key', FLOW, 'value', 'hex', ALLOW, 'noexist', status=2)
        packets = lambda: int.from_bytes(value_of(dev(t, 'map', 'lookup', 'name', 'rules', 'key', FLOW))[:8], 'little')
        until(lambda: packets() > 100, 'the rule counts nothing')
        lines = lib.sluice('dev', '-f', t.prefix, 'top', '--json', '--count', 2, '--interval', 0.3).stdout.splitlines()
        assert len(lines) == 2 and all(json.loads(line)['rates']['rx_program_pass'] > 0 for line in lines), lines
        # blocked: what is under way is dropped, so no packet is left
        dev(t, 'map', 'update', 'name', 'rules', 'key', FLOW, 'value', 'hex', DENY, 'exist')
        until(lambda: dev(t, 'stats')['rx_program_drop'] == 32, 'the packets are not dropped')
        t.ask('stop')
        stats = dev(t, 'stats')
        assert stats == {k: v for k, v in t.counters().items() if k in stats} and stats['rx_program_drop'] == packets() == 32, stats
        assert stats['rx_port0_packets'] == stats['rx_program_pass'] + stats['rx_program_drop'], stats
        # open again
        dev(t, 'map', 'delete', 'name', 'rules', 'key', FLOW)
        assert dev(t, 'map', 'dump', 'name', 'rules') == []
        assert 'no such entry' in dev(t, 'map', 'delete', 'name', 'rules', 'key', FLOW, status=2)
        t.ask('start tx_first')
        until(lambda: dev(t, 'stats')['rx_program_pass'] > stats['rx_program_pass'] + 100, 'no packet passes again')
        # another program while packets flow, and none
        assert dev(t, 'load', lib.example('drop'))['program'] == 'drop' and dev(t, 'list')[0]['program'] == 'drop'
        assert dev(t, 'map', 'show') == []
        assert dev(t, 'unload')['program'] == 'raw'
        assert 'missing' in dev(t, 'load', lib.example('drop'), '-p', 'missing', status=2)
        assert dev(t, 'list')[0]['program'] == 'raw'


def test_a_swap_keeps_the_maps_and_a_load_does_not(work):
    program = lib.example('firewall')
    with testpmd.Testpmd(work, [f'net_sluice0,port=loopback,prog={program}'], telemetry=True) as t:
        open_all = lambda: dev(t, 'map', 'update', 'name', 'settings', 'key', 0, 0, 0, 0, 'value', 1, 0, 0, 0)
        rules = lambda: len(dev(t, 'map', 'dump', 'name', 'rules'))
        open_all()
        t.ask('start tx_first')
        dev(t, 'map', 'update', 'name', 'rules', 'key', FLOW, 'value', 'hex', ALLOW)
        for _ in range(3):
            done = dev(t, 'swap', program)
            done.pop('generation')
            assert done == {'program': 'firewall', 'in_place': 1, 'maps_stayed': 2, 'maps_moved': 0, 'maps_fresh': 0}, done
        assert rules() == 1 and dev(t, 'stats')['rx_program_drop'] == 0  # no packet was lost
        passed = dev(t, 'stats')['rx_program_pass']
        until(lambda: dev(t, 'stats')['rx_program_pass'] > passed, 'the packets have gone')
        said = lib.sluice('dev', '-f', t.prefix, 'swap', program).stdout
        assert 'between two packets; maps: 2 stayed' in said, said
        dev(t, 'load', program)
        assert rules() == 0
        rejected = os.path.join(work, 'rejected.o')
        with open(os.path.join(work, 'rejected.s'), 'w') as f:
            f.write('0: (79) r0 = *(u64 *)(r1 +100)\n1: (95) exit\n')
        lib.sluice('asm', os.path.join(work, 'rejected.s'), '-o', rejected)
        said, listed = dev(t, 'swap', rejected, status=3), dev(t, 'list')
        assert 'VFY' in said and listed[0]['program'] == 'firewall', (said, listed)
        assert 'swap keeps them' in dev(t, 'load', program, '--migrate', status=2)
        dev(t, 'load', program, '--executor', 'interp')
        assert 'with --migrate packets wait' in dev(t, 'swap', program, status=2)
        assert dev(t, 'swap', program, '--migrate')['in_place'] == 0


def test_maps_are_dumped_as_the_command_line_writes_them(work):
    """Entries of all CPUs, more of them than an answer holds."""
    capture, out = lib.traffic('dev-count', '--count', 200, '--flows', 50), os.path.join(work, 'maps')
    lib.sluice('run', lib.example('count'), '-t', 'interp', '-r', capture, '--maps-out', out)
    with open(out) as f:
        want = json.load(f)
    with testpmd.Testpmd(work, [f'net_sluice0,port=pcap:{capture}:,prog={lib.example("count")}'], telemetry=True) as t:
        t.ask('start')
        t.wait_for(lambda c: c['rx_port0_packets'] == 200 and c['rx_good_packets'] + c['rx_program_drop'] + c['rx_program_aborted'] == 200)
        assert len(want['protocols']) > 64
        for name, entries in want.items():
            assert dev(t, 'map', 'dump', 'name', name) == entries, name
        first = want['protocols'][0]
        assert dev(t, 'map', 'lookup', 'name', 'protocols', 'key', *first['key']) == first
        # one value counts for all CPUs
        dev(t, 'map', 'update', 'name', 'protocols', 'key', *first['key'], 'value', '0x' + '07' * len(first['values'][0]['value']))
        values = dev(t, 'map', 'lookup', 'name', 'protocols', 'key', *first['key'])['values']
        assert len(values) == len(first['values']) and all(set(v['value']) == {'0x07'} for v in values), values


SLOTS = """#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
SEC("xdp") int sends(struct xdp_md *ctx) { return XDP_TX; }
struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(max_entries, 300);
    __type(key, __u32);
    __array(values, int(void *));
} slots SEC(".maps") = {.values = {[3] = (void *)&sends, [4] = (void *)&sends, [200] = (void *)&sends}};
SEC("xdp") int picks(struct xdp_md *ctx)
{
    bpf_tail_call(ctx, &slots, ctx->rx_queue_index + 4);
    return XDP_DROP;
}
"""


def test_arrays_of_programs_with_empty_slots_are_dumped(work):
    """More empty slots in a row than an answer looks at; what they hold can't be changed."""
    with open(os.path.join(work, 'slots.bpf.c'), 'w') as f:
        f.write(SLOTS)
    program = lib.clang(os.path.join(work, 'slots.bpf.c'), os.path.join(work, 'slots.o'))
    for where, warning in (('prefer', None), ('never', "on the host's CPU")):
        with testpmd.Testpmd(work, [f'net_sluice0,port=none,prog={program},program=picks,offload={where}'], telemetry=True, warning=warning) as t:
            entries = dev(t, 'map', 'dump', 'name', 'slots')
            assert [int(e['key'][0], 16) for e in entries] == [3, 4, 200], (where, entries)
            assert 'no such entry' in dev(t, 'map', 'lookup', 'name', 'slots', 'key', 5, 0, 0, 0, status=2)
            for change in (['delete'], ['update', 'value', 1, 0, 0, 0]):
                said = dev(t, 'map', change[0], 'name', 'slots', 'key', 3, 0, 0, 0, *change[1:], status=2)
                assert 'set when they are loaded' in said, said
            assert len(dev(t, 'map', 'dump', 'name', 'slots')) == 3


def test_maps_that_do_not_take_their_file_leave_what_runs(work):
    bad = os.path.join(work, 'maps.json')
    with open(bad, 'w') as f:
        json.dump({'settings': [{'key': '0x05000000', 'value': '0x01000000'}]}, f)
    with testpmd.Testpmd(work, [f'net_sluice0,port=loopback,prog={lib.example("csum")}'], telemetry=True) as t:
        t.ask('start tx_first')
        until(lambda: dev(t, 'stats')['rx_program_pass'] > 0, 'no packet passes')
        said = dev(t, 'load', lib.example('firewall'), '--maps-in', bad, status=2)
        assert 'settings[0]' in said and dev(t, 'list')[0]['program'] == 'csum', said
        passed = dev(t, 'stats')['rx_program_pass']
        until(lambda: dev(t, 'stats')['rx_program_pass'] > passed, 'no packet passes any more')


def test_a_program_that_is_late_does_not_replace_a_newer_one(work):
    """Its maps come by a pipe, so another one can be loaded while it is made ready."""
    pipe = os.path.join(work, 'maps.json')
    os.mkfifo(pipe)
    with testpmd.Testpmd(work, [f'net_sluice0,port=loopback,prog={lib.example("csum")}'], telemetry=True) as t:
        said = []
        late = threading.Thread(target=lambda: said.append(dev(t, 'load', lib.example('firewall'), '--maps-in', pipe, status=2)))
        late.start()
        with open(pipe, 'w') as f:  # the driver reads
            assert dev(t, 'load', lib.example('drop'))['program'] == 'drop'
            f.write('{}')
        late.join()
        assert 'another program has been loaded meanwhile' in said[0] and dev(t, 'list')[0]['program'] == 'drop', said
        assert dev(t, 'load', lib.example('firewall'))['program'] == 'firewall'


def test_a_port_starts_and_stops_while_programs_on_the_host_change(work):
    program = lib.clang(os.path.join(lib.ROOT, 'tests', 'progs', 'fallback', 'host.bpf.c'), os.path.join(work, 'host.o'))
    answers, end = [], threading.Event()
    with testpmd.Testpmd(work, [f'net_sluice0,port=loopback,prog={program},program=swap'], '--rxd=64', '--txd=64', telemetry=True,
                         warning="on the host's CPU") as t:

        def load():
            while not end.is_set():
                name = ('swap', 'tail', 'head')[len(answers) % 3]
                answers.append((name, t.tell('/net_sluice/load', 0, f'path={program}', f'program={name}')))
                time.sleep(0.002)  # the port is to have its turns, too

        thread = threading.Thread(target=load)
        thread.start()
        try:
            for _ in range(30):
                t.ask('start tx_first\nstop\nport stop 0\nport start 0')
        finally:
            end.set()
            thread.join()
        t.ask('start tx_first')
        t.wait_for(lambda c: c['rx_fallback_packets'] > 0)
        t.ask('stop')
        assert len(answers) > 5 and all(a.get('program') == name for name, a in answers), answers


def test_two_devices_are_told_apart(work):
    devices = [f'net_sluice0,port=none,prog={lib.example("drop")}', 'net_sluice1,port=loopback']
    with testpmd.Testpmd(work, devices, telemetry=True) as t:
        assert [d['program'] for d in dev(t, 'list')] == ['drop', 'raw']
        assert 'ports 0, 1' in dev(t, 'info', status=2)
        assert dev(t, '--port', 1, 'info')['name'] == 'net_sluice1'
        assert 'port 2 is none of net_sluice' in dev(t, '--port', 2, 'stats', status=2)
        t.ask('port stop 0\nport close 0')
        assert dev(t, 'info')['name'] == 'net_sluice1'
        assert 'port 0 is none of net_sluice' in dev(t, '--port', 0, 'info', status=2)


# command, parameters, what the answer says of them
REQUESTS = [
    ('list', '0', 'No parameters'), ('info', None, 'port'), ('info', '', 'port'), ('info', 'x', 'number'), ('info', '-1', 'number'), ('info', '32', 'number'),
    ('info', '0,', 'port'), ('info', '4294967296', 'number'), ('info', '99999999999999999999', 'number'), ('info', '31', 'none of net_sluice'),
    ('info', '0,1,2,3,4,5,6,7,8', 'no sense'), ('info', '0%', 'no sense'), ('info', '%00', 'no sense'), ('info', '0%0', 'no sense'), ('info', '0%zz', 'no sense'),
    ('stats', '0,x', 'number'), ('stats', '0,99999', 'number'), ('load', '0', 'port'), ('load', '0,/etc/passwd', 'path='), ('load', '0,section=xdp', 'path is missing'),
    ('load', '0,path=a,path=b', 'once'), ('load', '0,path=' + 'x' * 900, 'name'), ('load', '0,path=/', 'regular file'), ('map_info', '0,nosuch', 'nosuch'), ('map_info', '0,2', '"2"'),
    ('map_info', '0,' + '%22%5c%0a', 'no map'), ('map_info', '0,', 'no map'), ('map_lookup', '0,rules,00', '16 bytes'), ('map_lookup', '0,rules', '16 bytes'), ('map_lookup', '0,rules,' + 'x' * 32, 'digits'),
    ('map_lookup', '0,rules,' + '00' * 16, 'no such entry'), ('map_update', '0,rules,' + '00' * 16, 'Parameters'), ('map_update', f'0,rules,{"00" * 16},00', '24 bytes'),
    ('map_update', f'0,rules,{"00" * 16},{"00" * 24},never', 'noexist'), ('map_update', '0,settings,01000000,00000000', 'entr'), ('map_delete', '0,settings,00000000', 'type'),
    ('map_delete', '0,rules,', '16 bytes'), ('map_dump', '0,rules,00', '16 bytes'), ('map_dump', '0,rules,,', 'number'), ('map_dump', '0,rules,,0', 'number'), ('map_dump', '0,rules,,1,1', 'Parameters'), ('map_dump', '0,settings,00000000,0', 'over 0'),
    ('map_next', '0,rules,00', '16 bytes'), ('map_next', '0,rules', 'no such entry'), ('map_take', '0,rules,' + '00' * 16, 'no such entry'), ('map_lost', '0,rules', 'no ring buffer'),
    ('map_lookup', f'0,rules,{"00" * 16},00', 'only a Bloom filter'), ('map_update', f'0,rules,{"00" * 16},{"00" * 24},8', 'type'), ('map_update', f'0,rules,{"00" * 16},{"00" * 24},-1', 'noexist'),
    ('map_update_batch', f'0,rules,any,{"00" * 39}', '40 bytes'), ('map_update_batch', '0,rules,any,', '40 bytes'), ('map_update_batch', f'0,rules,any,{"0x" * 40}', 'digits'), ('map_update_batch', '0,rules,any', 'Parameters'),
    ('map_update_batch', f'0,rules,never,{"00" * 40}', 'noexist'), ('map_delete_batch', f'0,rules,{"00" * 15}', '16 bytes'), ('map_delete_batch', '0,rules,', '16 bytes'),
    ('map_info', '0,rules,generation=1', 'meanwhile'), ('unload', '0,generation=1', 'meanwhile'), ('unload', '0,generation=', 'number'), ('unload', '0,generation=1x', 'number'), ('unload', '0,generation=99999999999999999999', 'number'),
    ('load', '0,path=/nosuch,generation=1', 'meanwhile'), ('map_dump', '0,rules,generation=-1', 'number'), ('info', '0,1', 'port'),
]


def test_requests_that_make_no_sense_are_answered(work):
    with testpmd.Testpmd(work, [f'net_sluice0,port=none,prog={lib.example("firewall")}'], telemetry=True) as t:
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
            s.settimeout(testpmd.PATIENCE)
            s.connect(os.path.join(t.folder, 'dpdk_telemetry.v2'))
            s.recv(1024)
            for command, parameters, says in REQUESTS:
                s.send(f'/net_sluice/{command}{"" if parameters is None else "," + parameters}'.encode())
                answer = json.loads(s.recv(32768))[f'/net_sluice/{command}']
                text = ''.join(answer['error'])
                assert answer['errno'] > 0 and says.lower() in text.lower(), (command, parameters, answer)
        for arguments, says in ((['map'], 'argument'), (['map', 'dump'], 'which map'), (['map', 'dump', 'name'], 'missing'), (['map', 'dump', 'id', 'x'], 'number'),
                                (['map', 'dump', 'name', 'rules', 'x'], 'what is this'), (['map', 'lookup', 'name', 'rules'], 'key is missing'),
                                (['map', 'lookup', 'name', 'rules', 'key', '256'], 'no byte'), (['map', 'lookup', 'name', 'rules', 'key', '0x123'], 'hexadecimal'),
                                (['map', 'lookup', 'name', 'rules', 'key', '1'], '16 bytes, and 1'), (['map', 'pin', 'name', 'rules'], 'no such command'),
                                (['fly'], 'no such command'), (['stats', 'x'], 'no argument'), (['load', '/nosuch'], 'No such file')):
            said = dev(t, *arguments, status=2)
            assert says in said, (arguments, said)


def test_without_a_process_says_so(work):
    said = lib.sluice('dev', '-f', 'nosuch-process', 'list', status=2).stderr
    assert 'no process listens' in said and 'nosuch-process' in said, said
    path = os.path.join(work, 'socket')
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
        s.bind(path)
        said = lib.sluice('dev', '--socket', path, 'list', status=2).stderr
        assert 'no process listens' in said, said
    with testpmd.Testpmd(work, ['net_null0'], telemetry=True) as t:
        said = dev(t, 'info', status=2)
        assert 'no device of net_sluice' in said, said


MAP = {'id': 0, 'name': 'm', 'type': 'hash', 'key_bytes': 4, 'value_bytes': 8, 'cpus': 1, 'max_entries': 4, 'flags': 0}
PAGE = {'again': 0, 'count': 1, 'more': 0, 'data': ['00' * 12]}
# arguments, what a process answers to one request after the other (None: it closes the connection), what is said of it
ANSWERS = [
    (['list'], [b''], 'closed the connection'), (['list'], [b'{'], 'makes no sense'), (['list'], [b'[]'], 'makes no sense'), (['list'], [b'{"/net_sluice/list": 5}'], 'makes no sense'),
    (['list'], [b'{"/net_sluice/info": {}}'], 'makes no sense'), (['list'], [b'\\xff\\x00\\x01'], 'makes no sense'), (['list'], [None], 'closed the connection'),
    (['list'], [{'error': ['one ', 'two'], 'errno': 5}], 'one two'), (['list'], [{'error': 7, 'errno': -7}], 'rror'), (['info'], [{}], 'no device'), (['info'], [{'ports': ['x', 1, 2]}], 'no device'),
    (['map', 'dump', 'id', '0'], [{'ports': [0]}, dict(MAP, cpus=0)], 'makes no sense'), (['map', 'dump', 'id', '0'], [{'ports': [0]}, dict(MAP, cpus=1 << 40)], 'makes no sense'),
    (['map', 'dump', 'id', '0'], [{'ports': [0]}, MAP, dict(PAGE, count=2)], 'makes no sense'), (['map', 'dump', 'id', '0'], [{'ports': [0]}, MAP, dict(PAGE, data=['zz' * 12])], 'makes no sense'),
    (['map', 'dump', 'id', '0'], [{'ports': [0]}, MAP, dict(PAGE, count=1 << 50)], 'makes no sense'), (['map', 'dump', 'id', '0'], [{'ports': [0]}, MAP, dict(PAGE, count=-1)], 'makes no sense'),
    (['map', 'dump', 'id', '0'], [{'ports': [0]}, MAP] + [dict(PAGE, more=1, again=1)] * 40, 'faster'), (['map', 'dump', 'id', '0'], [{'ports': [0]}, MAP] + [dict(PAGE, count=0, data=[], more=1)] * 9 + [None], 'closed'),
    (['map', 'dump', 'id', '0'], [{'ports': [0]}, MAP] + [dict(PAGE, count=0, data=[], more=1)] * 40, 'faster'), (['map', 'dump', 'id', '0'], [{'ports': [0]}, MAP] + [dict(PAGE, more=1)] * 20000, 'makes no sense'),
    (['map', 'dump', 'id', '0'], [{'ports': [0]}, MAP] + [dict(PAGE, count=0, data=[], more=1, at='01000000')] * 4, 'makes no sense'), (['map', 'dump', 'id', '0'], [{'ports': [0]}, MAP] + [dict(PAGE, count=0, data=[], more=1, at='04000000')] * 4, 'makes no sense'),
    (['map', 'dump', 'id', '0'], [{'ports': [0]}, dict(MAP, key_bytes=0)] + [dict(PAGE, more=1)] * 4, 'makes no sense'), (['map', 'show', 'id', '0'], [{'ports': [0]}, dict(MAP, name='x' * 100)], 'makes no sense'),
    (['map', 'show', 'id', '0'], [{'ports': [0]}, dict(MAP, max_entries=-1)], 'makes no sense'), (['list'], [{'ports': [-1]}], 'makes no sense'), (['list'], [{'ports': [1, [2]]}], 'makes no sense'),
    (['map', 'dump', 'id', '0'], [{'ports': [0]}, dict(MAP, key_bytes=1 << 31, value_bytes=1 << 31)], 'larger'), (['map', 'lookup', 'id', '0', 'key', '0', '0', '0', '0'], [{'ports': [0]}, MAP, {'data': '00'}], 'makes no sense'),
]


def test_answers_that_make_no_sense_are_refused(work):
    for i, (arguments, answers, says) in enumerate(ANSWERS):
        path = os.path.join(work, f'socket{i}')
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
            listener.bind(path)
            listener.listen(1)
            thread = threading.Thread(target=answer_all, args=(listener, answers))
            thread.start()
            said = lib.sluice('dev', '--socket', path, *arguments, status=2, timeout=60).stderr
            thread.join()
        assert says in said, (arguments, answers, said)


def answer_all(listener, answers):
    with listener.accept()[0] as s:
        s.send(b'{"version":"test","pid":1,"max_output_len":16384}')
        for answer in answers:
            command = s.recv(1024).decode().split(',')[0]
            if not command or answer is None:
                return
            s.send(answer if isinstance(answer, bytes) else json.dumps({command: answer}).encode())
