# SPDX-License-Identifier: BSD-3-Clause
"""sluice traffic: packets of each kind are what they say, with right checksums."""
import os

import larger
import lib
from packets import assert_checksums


def packets(work, *options, count=200):
    path = os.path.join(work, 'x.pcap')
    lib.sluice('traffic', '-w', path, '--count', count, '--flows', 50, '--malformed', 0, '--ip-options', 0, *options)
    return larger.read_pcap(path)


def test_special_kinds_have_right_checksums(work):
    for kind, protocol in (('flood', 6), ('6in4', 41), ('error', 1), ('options6', 0)):
        found = [assert_checksums(p[14:]) for p in packets(work, '--mix', f'{kind}=1')]
        assert len(found) == 200 and any(f[0] == protocol for f in found), (kind, found[:5])
    assert all(p[47] == 2 for p in packets(work, '--mix', 'flood=1'))  # SYN alone


def test_fragments_are_first_and_later_ones(work):
    found = packets(work, '--mix', 'fragment=1')
    four = [int.from_bytes(p[20:22], 'big') for p in found if p[12:14] == b'\x08\x00']
    six = [int.from_bytes(p[56:58], 'big') for p in found if p[12:14] == b'\x86\xdd' and p[20] == 44]
    assert len(four) + len(six) == 200 and set(four) == {0x2000, 0x2000 | 185, 370} and set(six) == {1, 1480 | 1, 2960}, (four, six)


def test_replies_turn_round_and_go_to_a_given_address(work):
    ends = lambda found: {(p[26:30], p[30:34], p[34:36], p[36:38]) for p in found}
    there = ends(packets(work, '--mix', 'udp=1', '--flows', 1))
    both = ends(packets(work, '--mix', 'udp=1', '--flows', 1, '--replies', 30))
    (source, destination, source_port, port), = there
    assert both == there | {(destination, source, port, source_port)}
    given = ends(packets(work, '--mix', 'udp=1', '--flows', 1, '--replies', 100, '--replies-to', '192.0.2.1:1000-1001'))
    to = bytes([192, 0, 2, 1])
    assert given == {(destination, to, port, p.to_bytes(2, 'big')) for p in (1000, 1001)}, given
