# SPDX-License-Identifier: BSD-3-Clause
"""libsluice on a device that testpmd runs (tests/device/client.c)."""
import os
import subprocess
import time

import lib
import test_dev
import testpmd

CLIENT = os.path.join(lib.BUILD, 'tests', 'device', 'sluice-device-client')
PROGRAM = os.path.join(lib.BUILD, 'examples', 'api', 'api-device')


def environment(t, work, **more):
    """Of a client: what it lends is in the test's own folder."""
    return dict(os.environ, SLUICE_TEST_SOCKET=os.path.join(t.folder, 'dpdk_telemetry.v2'), TMPDIR=work, **more)


def test_programs_and_maps_of_a_device_are_the_librarys(work):
    with open(os.path.join(work, 'slots.bpf.c'), 'w') as f:
        f.write(test_dev.SLOTS)
    slots = lib.clang(os.path.join(work, 'slots.bpf.c'), os.path.join(work, 'slots.o'))
    with testpmd.Testpmd(work, ['net_sluice0,port=loopback,port=loopback', 'net_sluice1,port=none'], '--port-topology=loop', telemetry=True) as t:
        t.ask('start tx_first')
        p = subprocess.run([CLIENT], env=environment(t, work, SLUICE_TEST_SLOTS=slots), capture_output=True, text=True, timeout=60)
        assert p.returncode == 0, p.stdout + p.stderr
        t.ask('stop')


def test_example_attaches_and_a_process_that_dies_ends_in_an_error(work):
    with testpmd.Testpmd(work, ['net_sluice0,port=loopback'], telemetry=True) as t:
        t.ask('start tx_first')
        p = subprocess.run([PROGRAM, lib.example('firewall'), 'net_sluice0', t.prefix], capture_output=True, text=True, timeout=60)
        assert (p.returncode, p.stdout, p.stderr) == (0, 'firewall on microcode of net_sluice0: packets come\n', ''), p.stdout + p.stderr
        assert t.tell('/net_sluice/program', 0)['loaded'] == 0
        p = subprocess.run([PROGRAM, lib.example('firewall'), 'net_sluice5', t.prefix], capture_output=True, text=True, timeout=60)
        assert p.returncode == 1 and 'LIB0012' in p.stderr, p.stderr
        # killed while a client reads its maps
        client = subprocess.Popen([CLIENT, 'until it dies'], env=environment(t, work), stdout=subprocess.PIPE, text=True)
        assert client.stdout.readline() == 'attached 0\n'
        time.sleep(0.2)
        t.process.kill()
        said = client.communicate(timeout=60)[0].splitlines()
        assert said[0].startswith('Broken pipe') and 'LIB0009' in said[0] and said[-1] == 'Broken pipe' and client.returncode == 0, said
        t.quit = t.process.wait
