# SPDX-License-Identifier: BSD-3-Clause
"""The larger examples that rewrite packets do their jobs: what comes out is looked at byte by byte (test_example_jobs.py has the others)."""
import ipaddress
import struct
import sys

import larger
import lib
from packets import (ACK, FIN, ICMP, ICMPV6, IPIP, IPV6, MAC_A, MAC_B, RST, SYN, TCP, UDP, assert_checksums, eth, icmp, icmpv6, ipv4, ipv6, tcp,
                     udp)

CLIENT, CLIENT6 = '10.0.1.2', '2001:db8::a00:102'


def address(data, at):
    return str(ipaddress.ip_address(data[at:at + (16 if data[14] >> 4 == 6 else 4)]))


def tcp4(to, port, flags=ACK, source=CLIENT, source_port=4000, payload=b'', **ip):
    return eth(ipv4(source, to, TCP, tcp(source, to, source_port, port, flags, payload), **ip))


def udp4(to, port, source=CLIENT, source_port=4000, payload=b'', check=True, **ip):
    return eth(ipv4(source, to, UDP, udp(source, to, source_port, port, payload, check), **ip))


def packet6(to, protocol, port, payload=b'', source=CLIENT6, **ip):
    body = tcp(source, to, 4000, port, SYN, payload) if protocol == TCP else udp(source, to, 4000, port, payload)
    return eth(ipv6(source, to, protocol, body, **ip), 0x86dd)


# --- l4lb

def outcomes_of_services(contents):
    return {k[0]: struct.unpack('<4Q', v) for k, v in larger.values(contents, 'totals').items() if any(v)}


def balanced(work):
    six = '2001:db8:0:1::c0a8:1'
    first, answer = tcp4('192.168.0.1', 80, SYN), tcp('192.168.0.1', CLIENT, 80, 4000)[:8]
    error = eth(ipv4('10.9.9.9', '192.168.0.1', ICMP, icmp(3, 4, 1400, ipv4('192.168.0.1', CLIENT, TCP, answer))))
    packets = [first, tcp4('192.168.0.1', 80, payload=b'hello'), packet6(six, UDP, 53, b'query'), tcp4('192.168.0.9', 443, payload=bytes(1450)),
               packet6(six, TCP, 80, bytes(1420)), error, eth(ipv4(CLIENT, '192.168.0.8', ICMP, icmp(8, 0, 5, b'ping'))),
               eth(ipv6(CLIENT6, '2001:db8:0:1::c0a8:0', ICMPV6, icmpv6(CLIENT6, '2001:db8:0:1::c0a8:0', 128, 0, 5, b'ping')), 0x86dd),
               udp4('192.168.0.12', 53, fragment=0x2000), tcp4('192.168.0.44', 80, SYN), tcp4('192.168.0.1', 81), tcp4('192.168.0.1', 80)[:50],
               udp4('192.168.0.12', 1), udp4('192.168.0.12', 2, source_port=9)]
    o = larger.run(larger.row('l4lb'), work, packets)
    assert o.verdicts == ['TX'] * 8 + ['DROP', 'DROP', 'PASS', 'DROP', 'TX', 'TX'], o.verdicts
    return o, packets


def assert_balanced(o, packets):
    for i in (0, 1, 5):  # IPIP: outer header, then the packet as it came; the server as chosen at first
        out, number = o.out[i], o.out[0][5]
        assert out[:6] == bytes([2, 0, 0, 0, 1, number]) and out[6:12] == MAC_B and 1 <= number <= 4, out.hex()
        assert assert_checksums(out[14:])[0] == IPIP and out[34:] == packets[i][14:]
        assert address(out, 26).startswith('10.100.') and address(out, 30) == f'10.200.0.{number}'
    gue = o.out[2]
    assert assert_checksums(gue[14:]) == [UDP] and gue[62:] == packets[2][14:]
    source, port, length, check = struct.unpack_from('!4H', gue, 54)
    assert (port, length, check) == (6080, 8 + len(packets[2]) - 14, 0) and source >= 0xc000
    assert address(gue, 22) == '2001:db8:cafe::1' and address(gue, 38) == f'2001:db8:5::{gue[5]:x}' and 9 <= gue[5] <= 14
    four, six = o.out[3], o.out[4]  # too big
    assert four[:12] == MAC_A + MAC_B and assert_checksums(four[14:]) == [ICMP] and len(four) == 14 + 28 + 68
    assert (address(four, 26), address(four, 30)) == ('192.168.0.9', CLIENT)
    assert struct.unpack_from('!BBHI', four, 34)[::3] == (3, 1500 - 28) and four[42:] == packets[3][14:14 + 68]
    assert assert_checksums(six[14:]) == [ICMPV6] and six[54] == 2 and struct.unpack_from('!I', six, 58) == (1460,)
    assert address(six, 38) == CLIENT6 and six[62:] == packets[4][14:14 + 192]
    for i, at, kind in ((6, 34, 0), (7, 54, 129)):  # echo
        assert assert_checksums(o.out[i][14:])[0] in (ICMP, ICMPV6) and o.out[i][at] == kind and o.out[i][:6] == MAC_A
    assert o.out[12][5] == o.out[13][5]  # this service looks at the client's address only
    totals = outcomes_of_services(o.maps)  # service: packets, bytes, fresh, too big
    assert totals[0][0] == 3 and totals[0][2] == 1 and totals[1] == (0, 0, 1, 1), totals
    assert totals[4] == (0, 0, 1, 1) and totals[5][0] == 1, totals
    assert len(larger.values(o.maps, 'connections')) == 6


def test_l4lb_encapsulates_answers_and_remembers(work):
    assert_balanced(*balanced(work))


def test_ring_is_even_and_moves_few_connections(work):
    sys.path.insert(0, f'{lib.ROOT}/examples')
    import maps
    whole, less = maps.consistent_ring(range(1, 9)), maps.consistent_ring([1, 2, 3, 4, 6, 7, 8])
    shares = [whole.count(s) for s in range(1, 9)]
    assert max(shares) - min(shares) <= 1, shares
    moved = sum(a != b for a, b in zip(whole, less) if a != 5)
    assert moved < 0.1 * len(whole), moved


# --- dnat

def counts(o, name):
    return [struct.unpack('<Q', v)[0] for _, v in sorted(larger.values(o.maps, name).items())]


def test_dnat_translates_both_directions(work):
    service, server, gateway = '192.168.0.1', '172.16.0.101', '192.0.2.1'
    to_gateway = lambda port, flags=ACK, source=server: tcp4(gateway, port, flags, source, 10080)
    packets = [tcp4(service, 80, SYN), to_gateway(20000, SYN | ACK), tcp4(service, 80, source_port=4001), tcp4(service, 80, SYN, source_port=4001),
               udp4(service, 53, check=False), udp4(service, 53, source_port=9, payload=b'odd'), to_gateway(20000, source='172.16.0.102'),
               to_gateway(20007), to_gateway(20000, RST), to_gateway(20000), tcp4(service, 80, SYN), tcp4(service, 80, ttl=1), tcp4('9.9.9.9', 1)]
    o = larger.run(larger.row('dnat'), work, packets)
    assert o.verdicts == ['TX', 'TX', 'DROP', 'TX', 'TX', 'TX', 'DROP', 'DROP', 'TX', 'DROP', 'TX', 'PASS', 'PASS'], o.verdicts
    ports = []
    for i in (0, 3, 4, 5, 10):
        out = o.out[i]
        assert_checksums(out[14:])
        assert (address(out, 26), address(out, 30)) == (gateway, server) and out[22] == 63
        assert out[:12] == bytes([2, 0, 0, 0, 2, 1]) + MAC_B and out[52 if out[23] == TCP else 42:] == packets[i][52 if out[23] == TCP else 42:]
        ports.append(struct.unpack_from('!HH', out, 34))
    assert ports == [(20000, 10080), (20001, 10080), (20000, 10053), (20001, 10053), (20002, 10080)], ports
    assert o.out[4][40:42] == bytes(2) and o.out[5][40:42] != bytes(2)
    for i in (1, 8):
        out = o.out[i]
        assert_checksums(out[14:])
        assert (address(out, 26), address(out, 30)) == (service, CLIENT) and out[:6] == MAC_A
        assert struct.unpack_from('!HH', out, 34) == (80, 4000)
    assert counts(o, 'outcomes') == [5, 2, 5, 4, 0, 0, 0], counts(o, 'outcomes')


def test_dnat_leaves_a_udp_checksum_that_comes_to_zero(work):
    service, server = '192.168.0.1', '172.16.0.101'
    check, = struct.unpack_from('!H', udp('192.0.2.1', server, 20000, 10053, bytes(2)), 6)
    o = larger.run(larger.row('dnat'), work, [udp4(service, 53, payload=struct.pack('!H', check))])
    assert o.out[0][40:42] == b'\xff\xff' and assert_checksums(o.out[0][14:]) == [UDP]


def test_dnat_reuses_ports_of_silent_connections_only(work):
    row = larger.row('dnat', 'few_ports')  # 64 ports; UDP is idle after 500 us
    packets = [udp4('192.168.0.1', 53, source_port=i) for i in range(1, 71)]
    o = larger.run(row, work, packets, gap_ns=1000)
    assert o.verdicts == ['TX'] * 64 + ['DROP'] * 6 and len(larger.values(o.maps, 'connections')) == 64, o.verdicts
    o = larger.run(row, work, packets, gap_ns=20000)
    assert o.verdicts == ['TX'] * 70, o.verdicts
    begin, end = ([tcp4('192.168.0.1', 80, flags, source_port=i) for i in range(1, 65)] for flags in (SYN, FIN | ACK))
    again = [tcp4('192.168.0.1', 80, SYN, source_port=i) for i in range(101, 161)]
    for gap_ns, verdict in ((3000, 'DROP'), (3200, 'TX')):  # after FIN a port is kept for 200 us
        closed = larger.run(row, work, begin + end + again, gap_ns=gap_ns)
        assert closed.verdicts == ['TX'] * 128 + [verdict] * 60, (gap_ns, closed.verdicts)
    known = larger.values(o.maps, 'connections')
    assert len(known) == 64 and all(struct.unpack_from('!H', k, 8)[0] > 6 for k in known)


# --- qinq

def test_qinq_rewrites_tags_by_its_rules(work):
    q, ad, body = 0x8100, 0x88a8, bytes(range(46))
    tagged = lambda *tags, kind=0x0800: eth(body, kind, tags)
    both = lambda outer, inner: ((ad, 0x6000 | outer), (q, 0xa000 | inner))
    voice = ipv4('1.2.3.4', '5.6.7.8', UDP, bytes(20), tos=0xb8)
    cases = [  # packet, verdict, what leaves
        (tagged(*both(104, 11)), 'REDIRECT', tagged((q, 0xa00b))), (tagged(*both(105, 11)), 'TX', tagged()),
        (tagged(*both(106, 11)), 'REDIRECT', tagged((ad, 0x6000 | 1106), (q, 0xa00b))),
        (tagged(*both(107, 11)), 'REDIRECT', tagged((ad, 0x6000 | 1107), (q, 0xa000 | 2107))),
        (tagged(*both(108, 11)), 'TX', tagged((ad, 0x600b), (q, 0xa000 | 108))), (tagged(*both(110, 11)), 'REDIRECT', tagged(*both(110, 11))),
        (tagged(*both(111, 11)), 'DROP', None), (tagged(*both(109, 11)), 'DROP', None),  # a rule; a third tag
        (tagged(*both(111, 17)), 'REDIRECT', tagged((ad, 0x6000 | 1111), (q, 0xa011))),  # the rule of both VLANs goes first
        (tagged((q, 0x3000 | 16)), 'TX', tagged((ad, 0x3000 | 516), (q, 0x3010))), (tagged((q, 12)), 'DROP', None), (tagged((q, 77)), 'DROP', None),
        (eth(voice), 'REDIRECT', eth(voice, tags=[(ad, 5 << 13 | 900)])), (tagged((q, 5))[:16], 'DROP', None),
        (eth(body, destination=bytes.fromhex('0180c2000002')), 'PASS', eth(body, destination=bytes.fromhex('0180c2000002')))]
    o = larger.run(larger.row('qinq'), work, [c[0] for c in cases])
    assert o.verdicts == [c[1] for c in cases], o.verdicts
    for out, (_, _, expected) in zip(o.out, cases):
        assert out == expected, (out.hex(), expected.hex())
    assert o.trace[0]['redirect'] and counts(o, 'drops') == [0, 2, 1, 2], (o.trace[0], counts(o, 'drops'))


# --- router

def test_router_forwards_by_the_tables(work):
    six = '2001:db8:0:1::c0a8:%x'
    ident = next(i for i in range(65536) if tcp4('192.168.0.1', 80, ident=i)[24:26] == b'\xfe\xff')  # its carry goes round
    packets = [tcp4('192.168.0.1', 80, ident=ident), tcp4('192.168.0.41', 80), packet6(six % 1, UDP, 53), tcp4('192.168.0.35', 80), tcp4('192.168.0.57', 80),
               packet6(six % 9, TCP, 80), tcp4('192.168.0.1', 80, ttl=1), tcp4('192.168.0.41', 80, payload=bytes(1400)),
               tcp4('192.168.0.1', 80, options=b'\1' * 4), tcp4('192.168.0.62', 22), tcp4('8.8.8.8', 80), tcp4('192.168.0.1', 80)[:40],
               packet6(six % 1, UDP, 53, hops=1), eth(bytes(46), 0x0806), tcp4('224.0.0.5', 1)]
    o = larger.run(larger.row('router'), work, packets)
    assert o.verdicts == ['REDIRECT'] * 3 + ['PASS', 'DROP', 'DROP'] + ['PASS'] * 5 + ['DROP'] + ['PASS'] * 3, o.verdicts
    for i, port, mac, ttl in ((0, 3, 'a1', 22), (1, 4, 'a5', 22), (2, 5, 'b1', 21)):
        out = o.out[i]
        assert out[:12] == bytes.fromhex(f'0200000000{mac}') + bytes([2, 0, 0, 0, port, port]), out[:12].hex()
        assert out[ttl] == 63 and assert_checksums(out[14:]) and out[ttl + 4:] == packets[i][ttl + 4:]
    assert o.out[0][14:] == tcp4('192.168.0.1', 80, ident=ident, ttl=63)[14:]
    assert all(out is None or out == p for out, p in list(zip(o.out, packets))[3:])
    sent = {k[0]: v[:8] for k, v in larger.values(o.maps, 'sent').items() if any(v)}
    assert sent == {port: struct.pack('<Q', 1) for port in (3, 4, 5)}, sent


# --- sixinfour

def test_sixinfour_encapsulates_and_takes_out_again(work):
    inside, outside = '2001:db8:6:3::9', '2001:db8:77::1'
    plain = lambda **ip: packet6(inside, UDP, 53, b'data', source=outside, **ip)
    inner = lambda source=inside, **ip: ipv6(source, outside, UDP, udp(source, outside, 53, 53, b'answer'), **ip)
    outer = lambda payload, source='10.6.0.3', **ip: eth(ipv4(source, '192.168.0.6', IPV6, payload, **ip))
    packets = [plain(traffic_class=0xb9), outer(inner()), outer(inner(traffic_class=2), tos=3), outer(inner(), tos=3), outer(inner(), '10.6.0.4'),
               outer(inner('2001:db8:6:e::9')), packet6(inside, TCP, 80, bytes(1450), source=outside), plain(hops=1),
               outer(inner())[:70], outer(inner(), fragment=0x2000), packet6('2001:db8:99::1', UDP, 53), packet6(inside, TCP, 80, bytes(1450))]
    o = larger.run(larger.row('sixinfour'), work, packets)
    assert o.verdicts == ['TX'] * 3 + ['DROP'] * 3 + ['TX', 'PASS', 'DROP', 'PASS', 'PASS', 'DROP'], o.verdicts
    out = o.out[0]
    assert out[:12] == bytes([2, 0, 0, 0, 7, 3]) + MAC_B and out[12:14] == b'\x08\x00' and out[15] == 0xb9
    assert assert_checksums(out[14:]) == [IPV6, UDP] and (address(out, 26), address(out, 30)) == ('192.168.0.6', '10.6.0.3')
    assert out[41] == 63 and out[42:] == packets[0][22:]
    for i, mark in ((1, 0), (2, 3)):
        out = o.out[i]
        assert out[:14] == bytes([2, 0, 0, 0, 6, 1]) + MAC_B + b'\x86\xdd' and assert_checksums(out[14:]) == [UDP]
        assert out[21] == 63 and out[15] >> 4 == mark and out[22:] == packets[i][42:]
    out = o.out[6]
    assert assert_checksums(out[14:]) == [ICMPV6] and out[54] == 2 and struct.unpack_from('!I', out, 58) == (1480,)
    assert address(out, 38) == outside and out[62:] == packets[6][14:14 + 128]
    assert counts(o, 'outcomes') == [1, 2, 1, 1, 1, 1, 1, 1, 1], counts(o, 'outcomes')
