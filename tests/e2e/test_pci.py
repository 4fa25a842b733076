# SPDX-License-Identifier: BSD-3-Clause
"""The DPDK driver's PCI device under Debian's testpmd: DPDK's own scan of a bus, probe, mapped BAR and physical addresses; behind the BAR
the simulated NIC, which goes on by itself (tests/e2e/board.py)."""
import os

import board
import lib
import test_dev
import test_driver
import testpmd


def start(work, device, *options, vdevs=(), **more):
    return testpmd.Testpmd(work, vdevs, *options, machine=device, **more)


def forward(work, more='', warning=None):
    """csum and its maps: what leaves and what the host gets. The RX ring has room for all packets: a board does not wait for its host."""
    capture = test_driver.mixed_sizes(work, 60)
    verdicts, passed, sent = test_driver.expected(work, 'csum', capture)
    testpmd.write(os.path.join(work, 'none.pcap'), [])
    arguments = f'prog={lib.example("csum")},maps={lib.example_maps("csum")[1]},mac=02:00:00:00:00:05' + more
    with board.Board(work, 'pcap:in.pcap:wire.pcap', arguments, seed=5, stall=20) as device:
        with start(work, device, '--mbuf-size=768', '--rxd=1024', vdevs=['net_pcap0,rx_pcap=none.pcap,tx_pcap=host.pcap'], warning=warning) as t:
            info = t.ask('show port info 0')
            assert 'Driver name: net_sluice_pci' in info and 'Device name: ' + board.ADDRESS in info and '02:00:00:00:00:05' in info, info
            t.ask('start')
            c = t.wait_for(lambda c: c['rx_port0_packets'] == len(verdicts) and c['rx_good_packets'] == len(passed)
                           and c['tx_port0_packets'] == len(sent))
            t.ask('stop')
            assert c['rx_good_bytes'] == sum(map(len, passed)), c
            assert not any(c[k] for k in ('rx_missed_errors', 'rx_errors', 'tx_errors')), c
    test_driver.same(testpmd.frames(os.path.join(work, 'host.pcap')), passed, 'at the host')
    test_driver.same(testpmd.frames(os.path.join(work, 'wire.pcap')), sent, 'at the wire')


def test_csum_does_what_the_command_line_does(work):
    forward(work)


def test_csum_on_the_host_does_the_same(work):
    forward(work, ',offload=never', 'on the host')


def test_what_the_host_sends_leaves_as_it_is(work):
    want = testpmd.frames(test_driver.mixed_sizes(work, 60))
    with board.Board(work, 'pcap::wire.pcap') as device:
        with start(work, device, '--mbuf-size=768', '--txd=32', vdevs=['net_pcap0,rx_pcap=in.pcap,tx_pcap=host.pcap']) as t:
            # the device takes its time; what finds no room is tried again for a second
            t.ask('set fwd io retry\nset burst tx delay 100 retry 10000\nstart')
            c = t.wait_for(lambda c: c['tx_port0_packets'] == len(want))
            t.ask('stop')
            assert c['tx_good_bytes'] == c['tx_port0_bytes'] == sum(map(len, want)) and c['tx_errors'] == 0, c
    test_driver.same(testpmd.frames(os.path.join(work, 'wire.pcap')), want, 'at the wire')


def turns(t, port=0):
    """Packets go round and round over the wire's loopback."""
    t.ask(f'clear port xstats {port}\nstart tx_first')
    t.wait_for(lambda c: c['rx_good_packets'] > 100 and c['tx_good_packets'] > 100 and c['rx_errors'] == c['tx_errors'] == 0, port)
    t.ask('stop')


def test_a_device_is_taken_away_and_comes_again(work):
    """Detached and attached by hand, with another program; then its registers read as all ones in the middle of traffic."""
    with board.Board(work, 'loopback') as device, start(work, device) as t:
        turns(t)
        t.ask('port stop 0\nport detach 0')
        attached = t.ask(f'port attach {board.ADDRESS},prog={lib.example("csum")},maps={lib.example_maps("csum")[1]}')
        assert 'is attached' in attached, attached
        assert 'program ' in t.ask('port start 0\nshow port info 0')
        t.ask(f'port stop 0\nport detach 0\nport attach {board.ADDRESS}\nport start 0')
        turns(t)
        t.ask('start tx_first')
        with open(device.gone, 'w'):
            pass
        assert 'Link status: down' in t.ask('show port info 0')
        t.ask('stop\nport stop 0\nport close 0\ndevice detach ' + board.ADDRESS)
        assert 'does not answer' in t.ask('port attach ' + board.ADDRESS)
        os.remove(device.gone)
        assert 'is attached' in t.ask('port attach ' + board.ADDRESS)
        t.ask('port start 0')
        turns(t)


def test_a_map_and_the_program_change_while_packets_flow(work):
    """The firewall blocks what goes round and round, and lets it pass again; it is swapped for itself, then another program is loaded."""
    with board.Board(work, 'loopback', f'prog={lib.example("firewall")}') as device, start(work, device, telemetry=True) as t:
        test_dev.dev(t, 'map', 'update', 'name', 'settings', 'key', 0, 0, 0, 0, 'value', 'hex', 1, 0, 0, 0)
        rule = ('name', 'rules', 'key', test_dev.FLOW)
        test_dev.dev(t, 'map', 'update', *rule, 'value', 'hex', test_dev.ALLOW)
        turns(t)
        t.ask('start tx_first')
        # the same program again: its maps stay, and go on being counted in
        assert test_dev.dev(t, 'swap', lib.example('firewall'))['program'] == 'firewall'
        packets = lambda: int.from_bytes(test_dev.value_of(test_dev.dev(t, 'map', 'lookup', *rule))[:8], 'little')
        before = packets()
        assert before > 100
        test_dev.until(lambda: packets() > before + 100, 'the rule counts no more')
        test_dev.dev(t, 'map', 'update', *rule, 'value', 'hex', test_dev.DENY, 'exist')
        t.wait_for(lambda c: c['rx_program_drop'] >= 32)
        test_dev.dev(t, 'map', 'delete', *rule)
        t.ask('stop')
        turns(t)
        t.ask('start tx_first')
        assert test_dev.dev(t, 'unload')['program'] == 'raw'
        assert test_dev.dev(t, 'load', lib.example('drop'))['program'] == 'drop'
        c = t.wait_for(lambda c: c['rx_program_drop'] >= 32)
        assert c['rx_program_pass'] > 100 and c['rx_errors'] == c['tx_errors'] == c['rx_program_aborted'] == 0, c


def test_arguments_of_the_simulation_are_none_of_a_board(work):
    with board.Board(work, 'loopback', 'stall=10') as device:
        try:
            start(work, device).quit()
        except AssertionError as e:
            assert "an argument is none of this driver's" in str(e), e
        else:
            raise AssertionError('stall=10 was taken')
