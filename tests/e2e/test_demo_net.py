# SPDX-License-Identifier: BSD-3-Clause
"""./dev demo-net, as far as the machine allows network namespaces: ping and curl through the simulated NICs, a port blocked and opened live."""
import contextlib
import io
import unittest

import demo_net


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
