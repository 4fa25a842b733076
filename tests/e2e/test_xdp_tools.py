# SPDX-License-Identifier: BSD-3-Clause
"""Programs that nobody here wrote: the objects of Debian's xdp-tools, from where the package puts them."""
import json
import os
import random
import struct

import lib

# Both policies are the same program but for two constants, so of these only one is built as a pipeline.
NOT_BUILT = {'xdpfilt_dny_ip', 'xdpfilt_dny_tcp', 'xdpfilt_dny_udp'}


def extension_headers(rng):
    """An IPv6 packet with up to seven extension headers (RFC 8200), of up to 2 kB each, cut off now and then."""
    kinds = [rng.choice((0, 43, 44, 51, 60, 135)) for _ in range(rng.choice((0, 1, 1, 2, 3, 4, 5, 6, 7)))]
    upper = rng.choice((6, 17, 58, 59))
    headers = b''
    for kind, after in zip(kinds, kinds[1:] + [upper]):
        words = 0 if kind == 44 else rng.choice((1, 2, 9, 60)) if kind == 51 else rng.choice((0, 0, 1, 2, 5, 31, 255))
        length = (words + 2) * 4 if kind == 51 else (words + 1) * 8
        headers += bytes([after, words]) + rng.randbytes(length - 2)
    ports = struct.pack('>HH', rng.choice((53, 80, 443, 1234)), rng.choice((53, 80, 8080, 1234)))
    address = lambda: bytes.fromhex('20010db80000000000000001') + bytes([192, 168, 0, rng.randrange(30)])
    body = headers + ports + rng.randbytes(rng.randrange(16, 100))
    packet = rng.randbytes(12) + bytes.fromhex('81000005') * rng.choice((0, 0, 1, 2)) + bytes.fromhex('86dd60000000') + \
        struct.pack('>HBB', len(body) & 0xffff, (kinds + [upper])[0], 64) + address() + address() + body
    return packet[:9216] if rng.random() < 0.9 else packet[:rng.randrange(14, min(len(packet), 9216))]


def far_capture(path, most_bytes):
    """Packets whose headers lie far behind their start; the kernel takes up to 3520 bytes."""
    rng = random.Random(7)
    with open(path, 'wb') as f:
        f.write(struct.pack('<IHHiIII', 0xa1b23c4d, 2, 4, 0, 0, 65535, 1))
        for i in range(1000):
            packet = extension_headers(rng)[:most_bytes]
            f.write(struct.pack('<IIII', 1, i * 1000, len(packet), len(packet)) + packet)
    return path


def add(obj):
    name = os.path.basename(obj)[:-2]

    def agrees(work):
        check = json.loads(lib.sluice('check', obj, '--json').stdout)['programs'][0]['executors']
        unfit = {e: check[e]['reason'] for e in ('microcode', 'pipeline') if not check[e]['fits']}
        assert check['interp']['fits'] and not unfit, unfit
        maps = lib.xdpfilter_maps(obj, os.path.join(work, 'maps.json'))
        executors = ['-t', 'interp,kernel,microcode'] if name in NOT_BUILT else []
        result = lib.compare(obj, lib.mixed(), '--maps-in', maps, *executors)
        assert result['mismatches'] == 0, result['differences'][:5]
        skipped = {e: r['skipped'] for e, r in result['executors'].items() if 'skipped' in r}
        assert not set(skipped) - (set() if lib.kernel_allowed() else {'kernel'}), skipped
        assert ('pipeline' in result['executors']) == (name not in NOT_BUILT)
        if name.startswith('xdpfilt'):
            verdicts = result['executors']['interp']['verdicts']
            assert verdicts['XDP_DROP'] > 0 and verdicts['XDP_PASS'] > 0, verdicts
    globals()[f'test_{name.replace(".", "_")}_agrees'] = agrees


for _obj in lib.xdp_tools_objects():
    add(_obj)


def test_lookup_in_xskmap_finds_sockets(work):
    """The program for Linux 5.3 looks a queue's socket up before it redirects there."""
    obj, = [o for o in lib.xdp_tools_objects() if '5.3' in o]
    maps = os.path.join(work, 'maps.json')
    with open(maps, 'w') as f:
        json.dump({'xsks_map': [{'key': ['0x02', '0x00', '0x00', '0x00'], 'value': ['0x07', '0x00', '0x00', '0x00']}]}, f)
    for queue, verdict in ((2, 'XDP_REDIRECT'), (1, 'XDP_PASS')):
        j = json.loads(lib.sluice('compare', obj, '-t', 'interp,microcode,pipeline', '-r', lib.mixed(1000), '--maps-in', maps, '--queue', queue, '--json').stdout)
        assert j['mismatches'] == 0, j['differences'][:5]
        for e in ('interp', 'microcode', 'pipeline'):
            assert j['executors'][e]['verdicts'][verdict] > 900, (queue, e, j['executors'][e])


def test_headers_far_behind_the_start_agree(work):
    obj, = (o for o in lib.xdp_tools_objects() if 'xdpfilt_alw_tcp' in o)
    maps = lib.xdpfilter_maps(obj, os.path.join(work, 'maps.json'))
    for most in (3520, 9216):
        result = lib.compare(obj, far_capture(os.path.join(work, 'far.pcap'), most), '--maps-in', maps)
        assert result['mismatches'] == 0 and 'skipped' not in result['executors']['pipeline'], result
        assert 'skipped' in result['executors']['kernel'] or most == 3520
        verdicts = result['executors']['pipeline']['verdicts']
        assert verdicts['XDP_DROP'] > 50 and verdicts['XDP_PASS'] > 50 and verdicts['XDP_ABORTED'] > 50, verdicts


def test_objects_are_installed(work):
    assert len(lib.xdp_tools_objects()) >= 12
