#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Contents for the maps of the larger examples, as --maps-in takes them, for the addresses of `sluice traffic`.

usage: maps.py NAME [CONSTANT=VALUE ...] > NAME.maps.json
A constant is one of the program's `const volatile` variables (CONSTANTS below has them with their defaults).
"""
import ipaddress
import json
import struct
import sys

# The const volatile variables of each program, in the order of .rodata: name, format as of struct, value.
CONSTANTS = {
    'flowmon': [('idle_ns', 'Q', 30 * 10**9), ('active_ns', 'Q', 60 * 10**9), ('events', 'I', 1)],
    'scrubber': [('packet_ns', 'Q', 50000), ('burst_ns', 'Q', 3200000), ('window_ns', 'Q', 1000000), ('syn_limit', 'I', 16),
                 ('alarm_syns', 'I', 4), ('use_lists', 'I', 1), ('use_alarms', 'I', 1)],
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


FILLED = {'scrubber': scrubber}


def main():
    if len(sys.argv) < 2 or sys.argv[1] not in CONSTANTS:
        sys.exit(__doc__)
    changes = {name: int(value, 0) for name, value in (a.split('=', 1) for a in sys.argv[2:])}
    json.dump(maps(sys.argv[1], changes), sys.stdout)
    print()


if __name__ == '__main__':
    main()
