# SPDX-License-Identifier: BSD-3-Clause
"""./dev demo-net, as far as the machine allows network namespaces: ping and curl through the simulated NICs, a port blocked and opened live."""
import contextlib
import io
import json
import os
import re
import unittest

import demo_net
import testpmd


class Within(testpmd.Plain):
    """A network namespace."""

    def __init__(self, space):
        self.space = space

    def command(self, words):
        return demo_net.within(self.space, *words)


def test_ping_and_curl_pass_as_the_map_says(work):
    try:
        demo_net.check_machine()
    except demo_net.Missing as e:
        raise unittest.SkipTest(str(e)) from None
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        try:
            wrong = demo_net.perform(quick=True)
        except demo_net.Missing as e:
            raise AssertionError(f'{e}\n{said.getvalue()}') from None
    assert wrong == 0 and said.getvalue().count('  ok: ') == 13, said.getvalue()


def test_ping_through_a_tap_comes_back(work):
    """testpmd answers what comes to the host."""
    try:
        demo_net.check_machine()
    except demo_net.Missing as e:
        raise unittest.SkipTest(str(e)) from None
    if not os.path.exists('/dev/net/tun'):
        raise unittest.SkipTest('there is no /dev/net/tun')
    space = f'sluice{os.getpid()}tap'
    demo_net.quiet('ip', 'netns', 'add', space)
    try:
        machine = Within(space)
        with testpmd.Testpmd(work, ['net_sluice0,port=tap:nic0'], '--forward-mode=icmpecho', machine=machine) as t:
            for words in (['addr', 'add', '10.98.0.1/24', 'dev', 'nic0'], ['link', 'set', 'nic0', 'up']):
                demo_net.quiet('ip', '-n', space, *words)
            t.ask('start')
            said = demo_net.quiet(*demo_net.within(space, 'ping', '-n', '-q', '-i', '0.1', '-W', 10, '-c', 3, '10.98.0.2'))
            assert '3 received' in said, said
            c = t.counters()
            assert c['rx_program_pass'] >= 4 and c['tx_port0_packets'] >= 4 and c['rx_errors'] == 0, c  # ARP, too
        refused = testpmd.Testpmd(work, ['net_sluice0,port=tap:a-name-that-is-too-long'], machine=machine)
    except AssertionError as e:
        assert 'no name of an interface' in str(e), e
    else:
        refused.quit()
        raise AssertionError('the name was taken')
    finally:
        demo_net.quiet('ip', 'netns', 'del', space)


def test_an_interface_that_was_down_goes_on(work):
    """What is sent meanwhile is lost, as on a wire; one that is deleted ends the device, with the reason."""
    try:
        demo_net.check_machine()
    except demo_net.Missing as e:
        raise unittest.SkipTest(str(e)) from None
    space = f'sluice{os.getpid()}down'
    demo_net.quiet('ip', 'netns', 'add', space)
    try:
        demo_net.quiet('ip', '-n', space, 'link', 'add', 'wire0', 'type', 'veth', 'peer', 'name', 'wire1')
        for name in ('wire0', 'wire1'):
            demo_net.quiet('ip', '-n', space, 'link', 'set', name, 'up')
        with testpmd.Testpmd(work, ['net_sluice0,port=packet:wire0'], '--forward-mode=txonly', machine=Within(space)) as t:
            demo_net.quiet('ip', '-n', space, 'link', 'set', 'wire0', 'down')
            t.ask('start')
            sent = t.wait_for(lambda c: c['tx_port0_packets'] > 10)['tx_port0_packets']
            demo_net.quiet('ip', '-n', space, 'link', 'set', 'wire0', 'up')
            t.wait_for(lambda c: c['tx_port0_packets'] > sent + 10)
            received = demo_net.quiet('ip', '-n', space, '-s', '-j', 'link', 'show', 'wire1')
            assert json.loads(received)[0]['stats64']['rx']['packets'] > 0, received
            demo_net.quiet('ip', '-n', space, 'link', 'del', 'wire0')
            t.until(re.compile('port=packet:wire0: No such device or address; the simulated device ends'))
    finally:
        demo_net.quiet('ip', 'netns', 'del', space)
