# SPDX-License-Identifier: BSD-3-Clause
"""The larger examples do their jobs: named packets go in, and what comes out is looked at byte by byte. Each runs on every executor that it fits, but
for pipelines, whose models test_examples.py builds."""
import struct

import larger
from packets import ACK, FIN, MAC_A, MAC_B, SYN, TCP, UDP, eth, ipv4, ipv6, tcp, udp

CLIENT, SERVER = '10.0.1.2', '192.168.0.1'
CLIENT6, SERVER6 = '2001:db8::a00:102', '2001:db8:0:1::c0a8:1'


def tcp4(flags=ACK, source=CLIENT, port=80, payload=b'', **ip):
    return eth(ipv4(source, SERVER, TCP, tcp(source, SERVER, 4000, port, flags, payload), **ip))


def udp6(source=CLIENT6, payload=b'', port=53):
    return eth(ipv6(source, SERVER6, UDP, udp(source, SERVER6, 4000, port, payload)), 0x86dd)


def test_flowmon_reports_flows_that_begin_and_end(work):
    packets = [tcp4(SYN), tcp4(payload=b'x' * 100, ttl=60), udp6(), tcp4(FIN | ACK), tcp4(SYN)]
    o = larger.run(larger.row('flowmon'), work, packets)
    assert o.verdicts == ['PASS'] * 5 and o.out == packets
    seen = []
    for e in o.events:
        data = bytes.fromhex(e['data'])
        count, size, first, last, _, vlan, flags, ttl, _ = struct.unpack_from('<4QQHBBI', data, 40)
        kind, = struct.unpack_from('<I', data, 88)
        seen.append((e['i'], kind, data[36], count, size, last - first, flags, ttl))
    new, finished = 0, 1
    assert seen == [(0, new, TCP, 1, 54, 0, SYN, 64), (2, new, UDP, 1, 62, 0, 0, 64),
                    (3, finished, TCP, 3, 54 + 154 + 54, 3000, SYN | ACK | FIN, 60), (4, new, TCP, 1, 54, 0, SYN, 64)], seen
    assert len(larger.values(o.maps, 'flows')) == 2


def test_flowmon_tells_pauses_from_long_flows(work):
    packets = [udp6(), udp6(), *[tcp4()] * 5, udp6(), *[tcp4()] * 4]  # idle after 200 us, active after 300
    o = larger.run(larger.row('flowmon'), work, packets, gap_ns=50000)
    kinds = [(e['i'], struct.unpack_from('<I', bytes.fromhex(e['data']), 88)[0]) for e in o.events]
    assert kinds == [(0, 0), (2, 0), (7, 2), (9, 3)], kinds


def test_flowmon_sees_ports_behind_tags_and_extension_headers(work):
    inner = udp(CLIENT6, SERVER6, 4000, 53)
    routed = bytes([60, 0, 253, 0]) + bytes(4) + bytes([UDP, 1, 1, 12]) + bytes(12) + inner
    packets = [eth(ipv6(CLIENT6, SERVER6, 0, bytes([43, 0, 1, 4]) + bytes(4) + routed), 0x86dd),
               eth(ipv4(CLIENT, SERVER, UDP, udp(CLIENT, SERVER, 7, 9), options=b'\1' * 8), tags=[(0x88a8, 300), (0x8100, 5)]),
               eth(ipv6(CLIENT6, SERVER6, 44, bytes([UDP, 0, 0, 8]) + bytes(4) + inner), 0x86dd)]
    o = larger.run(larger.row('flowmon', 'table'), work, packets)
    seen = sorted((k[36], k[37], *struct.unpack_from('!HH', k, 32), struct.unpack_from('<H', v, 40)[0])
                  for k, v in larger.values(o.maps, 'flows').items())
    assert seen == [(UDP, 4, 7, 9, 300), (UDP, 6, 0, 0, 0), (UDP, 6, 4000, 53, 0)], seen
    assert o.events == []


def reasons(o):
    return [struct.unpack_from('<Q', v)[0] for _, v in sorted(larger.values(o.maps, 'reasons').items())]


PASSED, NOT_IP, MALFORMED, FORGED, FLAGS, FRAGMENT, LISTED, RATE, SYN_FLOOD, LOST = range(10)


def test_scrubber_drops_for_its_reasons(work):
    listed, listed6 = '10.0.17.9', '2001:db8:bad::7'
    cases = [(PASSED, tcp4()), (NOT_IP, eth(bytes(46), 0x0806)), (MALFORMED, tcp4()[:50]), (FORGED, tcp4(source='127.0.0.1')),
             (FORGED, tcp4(source='224.0.0.0')),
             (FORGED, eth(ipv4(SERVER, SERVER, TCP, tcp(SERVER, SERVER, 1, 1)))), (FLAGS, tcp4(0)), (FLAGS, tcp4(SYN | FIN)),
             (FLAGS, tcp4(0x39)), (FRAGMENT, tcp4(fragment=0x2000)),
             (FRAGMENT, eth(ipv6(CLIENT6, SERVER6, 44, bytes([UDP, 0, 0, 1]) + bytes(4) + udp(CLIENT6, SERVER6, 1, 2)), 0x86dd)),
             (LISTED, tcp4(source=listed)), (LISTED, udp6(source=listed6)),
             (PASSED, udp6())]
    o = larger.run(larger.row('scrubber'), work, [p for _, p in cases])
    assert o.verdicts == ['PASS' if r <= NOT_IP else 'DROP' for r, _ in cases], o.verdicts
    assert reasons(o) == [[r for r, _ in cases].count(n) for n in range(10)], reasons(o)
    lists = {k: struct.unpack_from('<Q', v, 8)[0] for k, v in larger.values(o.maps, 'blacklist4').items()}
    assert sum(lists.values()) == 1 and lists[struct.pack('<I', 24) + bytes([10, 0, 17, 0])] == 1, lists


def test_scrubber_empties_buckets_of_one_source_only(work):
    row = larger.row('scrubber', 'buckets')  # four packets at once, one more each 50 us
    o = larger.run(row, work, [udp6()] * 6 + [tcp4()] + [udp6()] * 3, gap_ns=20000)
    assert o.verdicts == ['PASS'] * 7 + ['DROP', 'PASS', 'DROP'] and reasons(o)[RATE] == 2, o.verdicts
    o = larger.run(row, work, [udp6()] + [eth(bytes(46), 0x0806)] * 8 + [udp6()] * 7, gap_ns=20000)  # it holds no more after a pause
    assert o.verdicts == ['PASS'] * 15 + ['DROP'], o.verdicts
    o = larger.run(row, work, [udp6()] * 6 + [tcp4()] + [udp6()], gap_ns=1000)
    assert o.verdicts == ['PASS'] * 4 + ['DROP'] * 2 + ['PASS', 'DROP'] and reasons(o)[RATE] == 3, o.verdicts


def test_scrubber_stops_a_flood_and_raises_the_alarm(work):
    row = larger.row('scrubber')
    flood = [tcp4(SYN, source=f'10.0.5.{i}') for i in range(30)]
    other = eth(ipv4('10.0.5.1', '192.168.0.2', TCP, tcp('10.0.5.1', '192.168.0.2', 9, 9, SYN)))
    o = larger.run(row, work, [*flood, tcp4(), other, *[eth(bytes(46), 0x0806)] * 70, tcp4(SYN)])
    assert o.verdicts[:32] == ['PASS'] * 16 + ['DROP'] * 14 + ['PASS'] * 2, o.verdicts
    alarm, = o.events  # at the last packet, when the window is over; the flood goes on to be one
    data = bytes.fromhex(alarm['data'])
    assert alarm['i'] == len(o.verdicts) - 1 and o.verdicts[-1] == 'DROP'
    assert data[12:16] == bytes([192, 168, 0, 1]) and data[28:32] == bytes([10, 0, 1, 2])
    assert struct.unpack_from('<III', data, 40) == (30, 1, 14), data.hex()
