# SPDX-License-Identifier: BSD-3-Clause
"""Packets with right checksums, built header by header, and taken apart again with every checksum held against its bytes."""
import ipaddress
import struct

MAC_A, MAC_B = bytes.fromhex('020000000001'), bytes.fromhex('020000000002')
TCP, UDP, ICMP, IPIP, IPV6, ICMPV6 = 6, 17, 1, 4, 41, 58
FIN, SYN, RST, ACK = 1, 2, 4, 16


def ones_sum(data):
    data += bytes(len(data) % 2)
    total = sum(struct.unpack(f'!{len(data) // 2}H', data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total


def checksum(data):
    return ~ones_sum(data) & 0xffff


def packed(address):
    return ipaddress.ip_address(address).packed


def pseudo(source, destination, protocol, length):
    source, destination = packed(source), packed(destination)
    if len(source) == 4:
        return source + destination + struct.pack('!BBH', 0, protocol, length)
    return source + destination + struct.pack('!II', length, protocol)


def eth(payload, kind=0x0800, tags=(), source=MAC_A, destination=MAC_B):
    """tags: (EtherType, TCI) from the outside in."""
    head = destination + source
    for ethertype, tci in tags:
        head += struct.pack('!HH', ethertype, tci)
    return head + struct.pack('!H', kind) + payload


def ipv4(source, destination, protocol, payload, ttl=64, fragment=0x4000, tos=0, ident=7, options=b''):
    head = struct.pack('!BBHHHBBH', 0x45 + len(options) // 4, tos, 20 + len(options) + len(payload), ident, fragment, ttl, protocol, 0) \
        + packed(source) + packed(destination) + options
    return head[:10] + struct.pack('!H', checksum(head)) + head[12:] + payload


def ipv6(source, destination, protocol, payload, hops=64, traffic_class=0):
    return struct.pack('!IHBB', 6 << 28 | traffic_class << 20, len(payload), protocol, hops) + packed(source) + packed(destination) + payload


def tcp(source, destination, source_port, port, flags=ACK, payload=b''):
    head = struct.pack('!HHIIBBHHH', source_port, port, 1, 2, 5 << 4, flags, 1000, 0, 0) + payload
    check = checksum(pseudo(source, destination, TCP, len(head)) + head)
    return head[:16] + struct.pack('!H', check) + head[18:]


def udp(source, destination, source_port, port, payload=b'', check=True):
    head = struct.pack('!HHHH', source_port, port, 8 + len(payload), 0) + payload
    value = checksum(pseudo(source, destination, UDP, len(head)) + head) or 0xffff
    return head[:6] + struct.pack('!H', value if check else 0) + head[8:]


def icmp(kind, code, rest, payload=b'', pseudo_header=b''):
    head = struct.pack('!BBHI', kind, code, 0, rest) + payload
    return head[:2] + struct.pack('!H', checksum(pseudo_header + head)) + head[4:]


def icmpv6(source, destination, kind, code, rest, payload=b''):
    return icmp(kind, code, rest, payload, pseudo(source, destination, ICMPV6, 8 + len(payload)))


def assert_checksums(data):
    """Every checksum of an IP packet and of what it carries holds. Returns protocols from the outside in."""
    if data[0] >> 4 == 4:
        header, protocol = (data[0] & 15) * 4, data[9]
        assert ones_sum(data[:header]) == 0xffff, 'IPv4 header'
        total, = struct.unpack_from('!H', data, 2)
        ends = [str(ipaddress.ip_address(data[i:i + 4])) for i in (12, 16)]
    else:
        assert data[0] >> 4 == 6, data[:4]
        header, protocol = 40, data[6]
        total = 40 + struct.unpack_from('!H', data, 4)[0]
        ends = [str(ipaddress.ip_address(data[i:i + 16])) for i in (8, 24)]
    assert total <= len(data), (total, len(data))
    payload = data[header:total]
    if protocol in (IPIP, IPV6):
        return [protocol, *assert_checksums(payload)]
    if protocol == UDP and payload[6:8] == bytes(2):
        return [protocol]
    if protocol == ICMP:
        assert ones_sum(payload) == 0xffff, 'ICMP'
    elif protocol in (TCP, UDP, ICMPV6):
        assert ones_sum(pseudo(*ends, protocol, len(payload)) + payload) == 0xffff, f'protocol {protocol}'
    return [protocol]
