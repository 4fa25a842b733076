# SPDX-License-Identifier: BSD-3-Clause
"""Packets for programs that nobody here wrote: every header that parsers follow, in random order and depth, and changes of packets."""
import struct

import packets as p

TAGS = (0x8100, 0x88a8, 0x9100)
KINDS = (0x0800, 0x86dd, 0x0806, 0x8847, 0x88b5, 0x86dd, 0x0800)
EXTENSIONS = (0, 43, 60, 135, 44, 51, 0, 60, 43)  # next headers that lead on
ENDS = (p.TCP, p.UDP, p.ICMP, p.ICMPV6, p.IPIP, p.IPV6, 47, 132, 59)
PORTS = (53, 80, 443, 22, 123, 8080, 5353, 1900, 9, 6000, 3000, 4789)
FLAGS = (p.SYN, p.SYN | p.ACK, p.ACK, p.ACK | 8, p.FIN | p.ACK, p.RST)
LONGEST = 2000  # Linux's test runs show programs up to 3520
HEADER_BYTES = 110  # what mutations reach


def address4(rng):
    return f'192.168.0.{rng.randrange(64)}' if rng.random() < 0.6 else f'10.0.{rng.randrange(2)}.{rng.randrange(64)}'


def address6(rng):
    return f'2001:db8:0:1::c0a8:{rng.randrange(64):x}' if rng.random() < 0.6 else f'2001:db8::a00:{rng.randrange(64):x}'


def transport(rng, protocol, source, destination):
    port = lambda: rng.choice(PORTS) if rng.random() < 0.7 else rng.randrange(65536)
    payload = rng.randbytes(rng.choice((0, 4, 18, 56, 64, 200)))
    if protocol == p.TCP:
        head = bytearray(p.tcp(source, destination, port(), port(), rng.choice(FLAGS), payload))
        if rng.random() < 0.4:  # options: MSS, timestamps, selective acknowledgements
            options = rng.choice((b'\2\4\5\xb4', b'\1\1\x08\x0a' + bytes(8), b'\4\2\1\1', b'\1\3\3\7' * 3, b'\0\0\0\0'))
            head[20:20] = options
            head[12] = (5 + len(options) // 4) << 4
        return bytes(head)
    if protocol == p.UDP:
        return p.udp(source, destination, port(), port(), payload, rng.random() < 0.8)
    if protocol == p.ICMP:
        return p.icmp(rng.choice((0, 8, 3, 5, 11)), rng.randrange(5), rng.randrange(1 << 32), payload)
    if protocol == p.ICMPV6:
        return p.icmpv6(source, destination, rng.choice((128, 129, 1, 2, 3, 135, 136)), rng.randrange(3), rng.randrange(1 << 32), payload)
    if protocol == p.IPIP:
        return p.ipv4(address4(rng), address4(rng), p.UDP, p.udp(address4(rng), address4(rng), port(), port(), payload))
    if protocol == p.IPV6:
        return p.ipv6(address6(rng), address6(rng), p.TCP, p.tcp(address6(rng), address6(rng), port(), port()))
    return payload


def extended(rng, protocol, rest):
    """Extension headers of IPv6 in front of a transport header: the first one's number, and the bytes."""
    for _ in range(rng.choice((0, 0, 0, 1, 1, 2, 3, 5, 6, 7))):
        kind = rng.choice(EXTENSIONS)
        if kind == 44:
            rest = struct.pack('!BBHI', protocol, 0, rng.choice((0, 0, 1, 1480 | 1, 2960)), 7) + rest
        elif kind == 51:
            rest = struct.pack('!BBHIII', protocol, 4, 0, 1, 1, 0) + bytes(8) + rest
        else:
            units = rng.choice((0, 0, 1))
            rest = struct.pack('!BBBB', protocol, units, 1, 4) + bytes(4 + 8 * units) + rest
        protocol = kind
    return protocol, rest


def build(rng):
    """A packet of random headers."""
    kind = rng.choice(KINDS)
    tags = [(rng.choice(TAGS), rng.choice((0, 1, 10, 100, 4011)) | rng.choice((0, 0, 0x2000))) for _ in range(rng.choice((0, 0, 0, 0, 1, 1, 2, 3, 4, 5)))]
    if kind == 0x0800:
        protocol, source, destination = rng.choice(ENDS), address4(rng), address4(rng)
        payload = p.ipv4(source, destination, protocol, transport(rng, protocol if protocol != p.ICMPV6 else 0, source, destination), rng.choice((64, 64, 255, 2, 1, 0)),
                         rng.choice((0x4000, 0x4000, 0, 0x2000, 0x20b9, 0xb9)), rng.choice((0, 0, 0x10, 3)), options=bytes(rng.choice((0, 0, 0, 4, 8, 40))))
    elif kind == 0x86dd:
        protocol, source, destination = rng.choice(ENDS), address6(rng), address6(rng)
        first, rest = extended(rng, protocol, transport(rng, protocol if protocol != p.ICMP else 0, source, destination))
        payload = p.ipv6(source, destination, first, rest, rng.choice((64, 64, 255, 2, 1, 0)))
    elif kind == 0x0806:
        payload = struct.pack('!HHBBH', 1, 0x0800, 6, 4, rng.choice((1, 2))) + p.MAC_A + p.packed(address4(rng)) + bytes(6) + p.packed(address4(rng)) + bytes(18)
    else:
        payload = rng.randbytes(46)
    frame = p.eth(payload, kind, tags)
    if rng.random() < 0.5:  # MACs that follow from addresses, as sluice traffic has them
        frame = bytes([2, 0, 192, 168, 0, rng.randrange(64), 2, 0, 10, 0, 0, rng.randrange(64)]) + frame[12:]
    return frame


def checked(frame):
    """With the checksum of its IPv4 header right, if it has one there."""
    end = 14 + 4 * (frame[14] & 15) if len(frame) > 34 else 0
    if frame[12:14] != b'\x08\x00' or end < 34 or end > len(frame):
        return frame
    head = frame[14:24] + b'\0\0' + frame[26:end]
    return frame[:24] + p.checksum(head).to_bytes(2, 'big') + frame[26:]


def change(rng, frame, constants):
    """One or a few fields of a packet are other than before."""
    frame = bytearray(frame)
    for _ in range(rng.choice((1, 1, 2, 3))):
        at = rng.randrange(12, max(13, min(len(frame), HEADER_BYTES)))
        how = rng.random()
        if how < 0.5 and constants:
            size = rng.choice((1, 2, 2, 4, 4, 8))
            frame[at:at + size] = (rng.choice(constants) % (1 << 8 * size)).to_bytes(size, rng.choice(('big', 'little')))
        elif how < 0.7:
            frame[at] = rng.choice((0, 1, 255, rng.randrange(256)))
        elif how < 0.8:
            frame[26:34] = frame[30:34] + frame[26:30]
        elif how < 0.87:
            del frame[rng.randrange(14, len(frame) + 1) if len(frame) > 14 else 14:]
        elif how < 0.94:
            frame += bytes(rng.choice((1, 4, 40, 200, 600)))
        else:
            frame[12:12] = struct.pack('!HH', rng.choice(TAGS), rng.randrange(4096))
    frame = bytes(frame[:LONGEST]).ljust(14, b'\0')
    return checked(frame) if rng.random() < 0.7 else frame
