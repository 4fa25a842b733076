#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Contents for the maps of the larger examples, as --maps-in takes them, for the addresses of `sluice traffic`.

usage: maps.py NAME [CONSTANT=VALUE ...] > NAME.maps.json
A constant is one of the program's `const volatile` variables (CONSTANTS below has them with their defaults).
"""
import hashlib
import ipaddress
import json
import struct
import sys

# The const volatile variables of each program, in the order of .rodata: name, format as of struct, value.
CONSTANTS = {
    'flowmon': [('idle_ns', 'Q', 30 * 10**9), ('active_ns', 'Q', 60 * 10**9), ('events', 'I', 1)],
    'scrubber': [('packet_ns', 'Q', 50000), ('burst_ns', 'Q', 3200000), ('window_ns', 'Q', 1000000), ('syn_limit', 'I', 16),
                 ('alarm_syns', 'I', 4), ('use_lists', 'I', 1), ('use_alarms', 'I', 1)],
    'dnat': [('gateway', 'I', 0x010200c0), ('strict', 'I', 1), ('tcp_idle_ns', 'Q', 7440 * 10**9), ('udp_idle_ns', 'Q', 300 * 10**9),
             ('closing_ns', 'Q', 240 * 10**9)],
    'qinq': [],
    'router': [],
    'sixinfour': [('tunnel_mtu', 'H', 1480), ('error_ns', 'I', 1000000), ('inside_mac', '8s', bytes([2, 0, 0, 0, 6, 1, 0, 0]))],
    'l4lb': [('tunnel_mtu', 'H', 1500), ('entropy_port', 'H', 0xc000), ('udp_idle_ns', 'Q', 30 * 10**9),
             ('balancer4', 'I', 0x0000640a), ('balancer6', '16s', bytes.fromhex('20010db8cafe00000000000000000001'))],
}


def entry(key, value):
    h = lambda data: [f'0x{x:02x}' for x in data]
    return {'key': h(key), 'value': h(value)}


def rodata(name, changes):
    """The whole of .rodata, as libbpf lays it out."""
    data = b''
    names = [n for n, _, _ in CONSTANTS[name]]
    for change in changes:
        if change not in names:
            sys.exit(f'maps.py: {name} has no constant {change}; it has {", ".join(names)}')
    for constant, form, value in CONSTANTS[name]:
        size = struct.calcsize('<' + form)
        data += bytes(-len(data) % size)
        data += struct.pack('<' + form, changes.get(constant, value))
    return {'.rodata': [entry(bytes(4), data)]}


def maps(name, changes):
    contents = FILLED[name]() if name in FILLED else {}
    return {**contents, **(rodata(name, changes) if changes else {})}


def prefix(text):
    """A key of an LPM map."""
    network = ipaddress.ip_network(text)
    return struct.pack('<I', network.prefixlen) + network.network_address.packed


def scrubber():
    rule = lambda number: struct.pack('<IIQ', number, 0, 0)
    return {'blacklist4': [entry(prefix(p), rule(i)) for i, p in enumerate(
                ('10.0.16.0/20', '10.0.17.0/24', '10.0.200.0/21', '10.0.3.128/25', '203.0.113.0/24'))],
            'blacklist6': [entry(prefix(p), rule(100 + i)) for i, p in enumerate(
                ('2001:db8::a00:2000/115', '2001:db8:bad::/48', '2001:db8::a00:2a00/119'))]}


RING = 1021  # places of a service in l4lb's ring


def consistent_ring(servers):
    """A ring as in Maglev (NSDI '16): each server has an order of its own in which it wants the places, and they take turns."""
    number = lambda what, server: int.from_bytes(hashlib.sha256(f'{what} {server}'.encode()).digest()[:4], 'big')
    wishes = {s: [(number('offset', s) + i * (1 + number('skip', s) % (RING - 1))) % RING for i in range(RING)] for s in servers}
    ring = [0] * RING
    while 0 in ring:
        for server in servers:
            place = next((p for p in wishes[server] if not ring[p]), None)
            if place is not None:
                ring[place] = server
    return ring


def address(text):
    """As union address of packet.h."""
    packed = ipaddress.ip_address(text).packed
    return bytes(16 - len(packed)) + packed


def l4lb():
    tcp, udp, icmp, icmpv6, by_gue, source_only = 6, 17, 1, 58, 1, 2
    four, six = '192.168.0.%d', '2001:db8:0:1::c0a8:%x'
    # service: its addresses, protocol, port (0: all), flags, servers
    services = [([four % i for i in range(8)], tcp, 80, 0, range(1, 6)),
                ([four % i for i in range(8, 44)], tcp, 0, by_gue, range(1, 9)),
                ([four % i for i in range(12, 36)], udp, 0, source_only, range(1, 9)),
                ([four % i for i in range(36, 60)], udp, 0, by_gue, range(9, 13)),
                ([six % i for i in range(48)], tcp, 0, 0, range(9, 13)),
                ([six % i for i in range(56)], udp, 0, by_gue, range(9, 15)),
                ([four % i for i in range(44, 48)], tcp, 0, 0, []),
                ([four % i for i in range(0, 64, 8)], icmp, 0, 0, []),
                ([six % i for i in range(0, 64, 8)], icmpv6, 0, 0, [])]
    vips, ring = [], []
    for number, (addresses, protocol, port, flags, servers) in enumerate(services):
        vips += [entry(address(a) + struct.pack('>HB5x', port, protocol), struct.pack('<II', number, flags)) for a in addresses]
        if servers:
            ring += [entry(struct.pack('<I', number * RING + i), struct.pack('<I', s)) for i, s in enumerate(consistent_ring(servers))]
    servers = [entry(struct.pack('<I', n), address(f'10.200.0.{n}' if n < 9 else f'2001:db8:5::{n:x}') +
                     bytes([2, 0, 0, 0, 1, n]) + struct.pack('<H', n != 5)) for n in range(1, 15)]
    return {'vips': vips, 'ring': ring, 'servers': servers}


def dnat():
    services = []
    for i in range(60):
        for protocol, ports in ((6, (22, 53, 80, 443, 1900, 8080)), (17, (53, 80, 123, 443, 1900, 5353))):
            for port in ports:
                services.append(entry(bytes([192, 168, 0, i]) + struct.pack('>HBx', port, protocol),
                                      bytes([172, 16, 0, 100 + i]) + struct.pack('>H', port + 10000) + bytes([2, 0, 0, 0, 2, i]) + bytes(4)))
    return {'services': services}


def qinq():
    any_vlan, no_tag, dscp, service_tag = 0xffff, 0x1000, 1, 0x88a8
    keep, drop, pop, pop_both, push, push_both, change, change_both, swap = range(9)
    rules = []

    def rule(outer, inner, operation, new_outer=0, new_inner=0, port=0, flags=0):
        rules.append(entry(struct.pack('<IHH', 1, outer, inner),
                           struct.pack('<BBHHHIIQQ', operation, flags, new_outer, new_inner, service_tag, port, 0, 0, 0)))
    for outer in range(100, 116):  # customers of traffic with two tags: 100 to 115 outside, 10 to 25 inside
        operation = (pop, pop_both, change, change_both, swap, push, keep, drop)[outer % 8]
        rule(outer, any_vlan, operation, outer + 1000, outer + 2000, outer % 3)
        rule(outer, 17, change_both, outer + 1000, 17, 2)
    for outer in range(10, 26):  # one tag; 12 has a mistake, push_both is for packets without
        rule(outer, no_tag, push_both if outer == 12 else (push, pop, change, keep)[outer % 4], outer + 500, 0, outer % 4)
    rule(no_tag, no_tag, push, 900, 0, 1, dscp)
    rule(any_vlan, any_vlan, drop)
    return {'rules': rules, 'ports': [entry(struct.pack('<I', i), struct.pack('<I', 10 + i)) for i in (1, 2, 3)]}


def router():
    return {'ports': [entry(struct.pack('<I', i), struct.pack('<I', i)) for i in (3, 4, 5)]}


def sixinfour():
    site = lambda prefix, remote, number: entry(ipaddress.ip_address(prefix).packed[:8],
                                                bytes([192, 168, 0, 6, *remote, 2, 0, 0, 0, 7, number]) + bytes(2 + 8 * 5))
    # 5 has moved, 12 to 15 of sluice traffic are nobody's
    return {'sites': [site('2001:db8:0:1::', (10, 6, 1, 1), 100)] +
                     [site(f'2001:db8:6:{n:x}::', (10, 6, 0, n if n != 5 else 77), n) for n in range(12)]}


FILLED = {'sixinfour': sixinfour, 'router': router, 'qinq': qinq, 'dnat': dnat, 'scrubber': scrubber, 'l4lb': l4lb}


def main():
    if len(sys.argv) < 2 or sys.argv[1] not in CONSTANTS:
        sys.exit(__doc__)
    changes = {name: int(value, 0) for name, value in (a.split('=', 1) for a in sys.argv[2:])}
    json.dump(maps(sys.argv[1], changes), sys.stdout)
    print()


if __name__ == '__main__':
    main()
