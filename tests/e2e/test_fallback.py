# SPDX-License-Identifier: BSD-3-Clause
"""Programs that the device does not take, run by its driver on the host under Debian's testpmd: what leaves at the wire and reaches the host is, byte for
byte, what `sluice run -t interp` makes of the same packets."""
import json
import os

import lib
import testpmd
from test_driver import expected, mixed_sizes, same


def forward(work, name, more='', options=()):
    capture = mixed_sizes(work, 60)
    verdicts, passed, sent = expected(work, name, capture)
    testpmd.write(os.path.join(work, 'none.pcap'), [])
    maps = lib.example_maps(name)
    nic = f'net_sluice0,offload=never,port=pcap:in.pcap:wire.pcap,prog={lib.example(name)}' + (f',maps={maps[1]}' if maps else '') + more
    with testpmd.Testpmd(work, [nic, 'net_pcap0,rx_pcap=none.pcap,tx_pcap=host.pcap'], *options, warning='on the host') as t:
        t.ask('start')
        c = t.wait_for(lambda c: c['rx_port0_packets'] == len(verdicts) and c['rx_good_packets'] == len(passed)
                       and c['tx_port0_packets'] == len(sent))
        t.ask('stop')
        assert c['rx_good_bytes'] == sum(map(len, passed)) and c['tx_port0_bytes'] == sum(map(len, sent)), c
        for verdict, key in (('XDP_PASS', 'pass'), ('XDP_TX', 'tx'), ('XDP_DROP', 'drop'), ('XDP_ABORTED', 'aborted')):
            assert c['rx_program_' + key] == c['rx_fallback_' + key] == verdicts.count(verdict), (verdict, c)
        assert not any(c[k] for k in ('rx_missed_errors', 'rx_errors', 'tx_errors', 'rx_mbuf_allocation_errors')), c
    same(testpmd.frames(os.path.join(work, 'host.pcap')), passed, 'at the host')
    same(testpmd.frames(os.path.join(work, 'wire.pcap')), sent, 'at the wire')


def test_csum_on_the_host_does_what_the_command_line_does(work):
    forward(work, 'csum')


def test_tunnel_on_the_host_with_small_buffers_does_the_same(work):
    forward(work, 'tunnel', ',seed=7,stall=30,dma=1-200', ['--mbuf-size=768', '--rxd=64', '--txd=64'])
