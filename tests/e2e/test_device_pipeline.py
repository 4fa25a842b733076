# SPDX-License-Identifier: BSD-3-Clause
"""libsluice makes a pipeline of a device that testpmd runs, and a core again (tests/device/pipeline.c)."""
import os
import subprocess

import lib
import test_device
import testpmd

CLIENT = os.path.join(lib.BUILD, 'tests', 'device', 'sluice-device-pipeline')


def test_pipeline_comes_and_goes_with_its_maps(work):
    with testpmd.Testpmd(work, ['net_sluice0,port=loopback'], '--port-topology=loop', telemetry=True) as t:
        t.ask('start tx_first')
        p = subprocess.run([CLIENT], env=test_device.environment(t, work), capture_output=True, text=True, timeout=testpmd.PATIENCE_BUILD)
        assert p.returncode == 0, p.stdout + p.stderr
        t.ask('stop')
