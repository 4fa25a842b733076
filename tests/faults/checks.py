# SPDX-License-Identifier: BSD-3-Clause
"""The checks that planted faults are shown to, each with the budget that ./dev test or ./dev fuzz gives it.

A check's name is KIND:WHAT. run() says what it found and after how much effort, or None."""
import concurrent.futures
import dataclasses
import glob
import json
import os
import re
import signal
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, 'tests', 'e2e'))
from test_vectors import REJECTED  # noqa: E402

JOBS = 2
UNITS = {
    'build': ['build', 'build_equivalence'],
    'bulk': ['pmd_bulk'],
    'build_path': ['build_path'],
    'driver': ['pmd_rings'],
    'events': ['pmd_events'],
    'fallback': ['pmd_fallback'],
    'faults': ['pmd_faults'],
    'path': ['pmd_path'],
    'queues': ['pmd_queues'],
    'serve': ['pmd_serve'],
    'swap': ['pmd_swap'],
    'inner': ['inner', 'ucode_texts', 'pipe'],
    'interp': ['vm', 'helper', 'vm_kernel', 'helper_kernel'],
    'library': ['exec_maps', 'sluice', 'sluice_device', 'sluice_maps'],
    'load': ['load_elf', 'load_progs', 'load_maps', 'load_kernel', 'load_btf', 'load_text', 'kernel_patch', 'load_clang'],
    'maps': ['map', 'map_trial', 'map_kernel'],
    'microcode': ['ucode_encode', 'ucode_texts', 'ucode_image_text', 'ucode_limits', 'ucode_random', 'ucode_programs'],
    'net': ['nettable', 'fib_kernel'],
    'opt': ['opt_text', 'opt_ranges', 'opt_checks', 'opt_rules', 'opt_rules_rewriter', 'divide', 'opt', 'build_random'],
    'pipeline': ['pipe', 'pipe_bounds'],
    'tail': ['tail'],
    'verify': ['verify_text', 'verify_facts', 'verify_scalar', 'verify_run', 'verify_kernel'],
}
# what the tests of a subject need beside themselves: without a device they skip what is about one
SIMULATED_NIC = ['sluice-sim.so', 'nic_model.so']
UNIT_NEEDS = {'library': ['sluice-sim.so', 'core_model.so'],
              **dict.fromkeys(['bulk', 'events', 'fallback', 'faults', 'path', 'queues', 'swap'], SIMULATED_NIC)}
HUNG = 'hung'
FUZZ = {'kernel': '5000', 'microcode': '300', 'pipeline': '60'}
DEVICE = ['sluice', 'sluice-sim.so', 'core_model.so']
# what tests of the whole need beside the command line's device
DRIVER = [*DEVICE, 'librte_net_sluice.so', 'nic_model.so']
TEST_NEEDS = {'e2e.driver': DRIVER, 'e2e.fallback': DRIVER, 'e2e.paths': DRIVER, 'e2e.dev.': DRIVER, 'e2e.device.': [*DRIVER, 'libsluice.so.0.1.0', 'tests/device/sluice-device-client', 'examples/api/api-device'],
              'e2e.demo_net': DRIVER, 'e2e.pci': [*DRIVER, 'tests/pci/sluice-pci-trap.so'],
              'e2e.processes': [*DRIVER, 'tests/pci/sluice-pci-trap.so', 'tests/processes/sluice-secondary']}
EXECUTOR_TARGETS = {'interp': [], 'kernel': [], 'microcode': ['sluice-sim.so', 'core_model.so'], 'pipeline': ['sluice-sim.so']}


@dataclasses.dataclass
class Check:
    targets: list  # of ninja
    run: object  # Run -> effort or None


@dataclasses.dataclass
class Run:
    """Where a check runs, where its models go, how long each of its commands may take."""
    tree: str
    models: str
    limit: float


def execute(run, command):
    """The output and exit status; None: it took too long. What it left running goes with it."""
    env = dict(os.environ, SLUICE_CACHE=run.models, SLUICE_TEST_QUICK='1', BUILD=os.path.join(run.tree, 'build'))
    env.pop('SLUICE_BUILD_DIR', None)
    job = subprocess.Popen(command, cwd=run.tree, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors='replace',
                           stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        return job.communicate(timeout=run.limit)[0], job.returncode
    except subprocess.TimeoutExpired:
        return None, None
    finally:
        end_group(job)


def end_group(job):
    """Ends what is left of a job's processes."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(job.pid, number)
            job.wait(5)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            pass
    job.stdout.close()


def fell(status):
    """What is said of a process that a signal ended."""
    return f'signal {-status}' if status < 0 else f'exit status {status}'


# --- the kinds

def vectors(executor):
    """The vectors of every instruction (tests/vectors) on an executor."""
    def find(run):
        files = sorted(glob.glob(os.path.join(run.tree, 'tests', 'vectors', '*.vec')))
        commands = [['build/tests/vector-runner', executor, *files[i::JOBS]] for i in range(JOBS)]
        with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
            outcomes = list(pool.map(lambda command: execute(run, command), commands))
        if any(text is None for text, _ in outcomes):
            return HUNG
        ended = [fell(status) for _, status in outcomes if status]
        if ended:
            return f'vector-runner: {ended[0]}'
        results = {os.path.basename(v['vector'])[:-4]: v['results'][0] for text, _ in outcomes for v in json.loads(text)}
        assert len(results) == len(files)
        bad = [n for n, r in sorted(results.items()) if r['failed'] or r['why'] or r['mode'] != ('plug-in' if n in REJECTED else 'xdp')]
        return f'{len(bad)} of {len(results)} vectors, {bad[0]} first' if bad else None
    return Check(['tests/vector-runner', *EXECUTOR_TARGETS[executor]], find)


def units(subject):
    """Unit tests of a subject, one after the other."""
    tests = [f'tests/test_{n}' for n in UNITS[subject]]

    def find(run):
        for test in tests:
            text, status = execute(run, ['build/' + test])
            if text is None:
                return f'{test[6:]}: {HUNG}'
            failed = re.search(r'\[  FAILED  \] (test_\w+)', text)
            if status:
                return f'{test[6:]}: {failed[1] if failed else fell(status)}'
        return None
    return Check(tests + UNIT_NEEDS.get(subject, []), find)


def recording(_):
    """./dev fuzz --check: 4,000 recorded programs on interp."""
    def find(run):
        text, status = execute(run, ['build/tests/fuzz/diff/sluice-fuzz', '--check'])
        if not status:
            return HUNG if text is None else None
        found = re.search(r'^(\d+) recorded programs on interp, (\d+) differences', text, re.M)
        return f'{found[2]} of {found[1]} programs' if found else fell(status)
    return Check(['tests/fuzz/diff/sluice-fuzz'], find)


def fuzz(name):
    """Random programs on an executor beside interp: so many as ./dev test has, or EXECUTOR/COUNT."""
    executor, _, count = name.partition('/')
    count = count or FUZZ[executor]

    def find(run):
        text, status = execute(run, ['build/tests/fuzz/diff/sluice-fuzz', '--from', '1', '--findings', '1', '--shrink', '0',
                                              '--executors', executor, '--count', count])
        if not status:
            return HUNG if text is None else None
        seed = re.search(r'--seed (\d+) ', text)
        if status == 2:
            raise RuntimeError(text)
        return f'seed {seed[1]}, {count} programs at most' if seed else fell(status)
    return Check(['tests/fuzz/diff/sluice-fuzz', *EXECUTOR_TARGETS[executor]], find)


def texts(executor):
    """The kept cases (tests/text/diff) on an executor, and interp against their expectation."""
    def find(run):
        files = sorted(glob.glob(os.path.join(run.tree, 'tests', 'text', 'diff', '*.txt')))
        text, status = execute(run, ['build/tests/fuzz/diff/sluice-fuzz', '--executors', executor, *files])
        if not status:
            return HUNG if text is None else None
        if status == 2:
            raise RuntimeError(text)
        failed = re.findall(r'^FAIL +\S*?([^/\s]+)\.txt on', text, re.M)
        return f'{len(failed)} of {len(files)} texts, {failed[0]} first' if failed else fell(status)
    return Check(['tests/fuzz/diff/sluice-fuzz', *EXECUTOR_TARGETS[executor]], find)


def rtl(name):
    """A bench of tests/rtl: NAME/PART."""
    folder, _, part = name.partition('/')

    def find(run):
        with tempfile.TemporaryDirectory(prefix='sluice-faults-') as work:
            text, status = execute(run, ['env', f'WORK={work}', 'sh', f'tests/rtl/{folder}/run.sh', *part.split()])
        if text is None:
            return HUNG
        # that a proof's negative control no longer applies says nothing of the proof
        told = [line for line in re.findall(r'^(?:FAIL|PASS) .*', text, re.M) if ': not refuted by' not in line]
        if not told and not status:
            raise RuntimeError(f'tests/rtl/{folder}/run.sh {part} ran nothing')
        failed = [line[5:] for line in told if line.startswith('FAIL')]
        controls = len(re.findall(': not refuted by', text))
        if failed or (status and not controls):
            return failed[0] if failed else fell(status)
        return None
    return Check([], find)


def test(part):
    """Tests of ./dev test by a part of their name."""
    def find(run):
        text, status = execute(run, [sys.executable, 'tests/run.py', part])
        if text is None:
            return HUNG
        failed = re.search(r'^FAIL  (\S+)', text, re.M)
        if not failed and status:
            raise RuntimeError(f'tests/run.py {part} ran nothing\n{text}')
        return failed[1] if failed else None
    return Check(TEST_NEEDS.get(part, DEVICE), find)


KINDS = {'vectors': vectors, 'unit': units, 'recording': recording, 'fuzz': fuzz, 'texts': texts, 'rtl': rtl, 'test': test}


def named(name):
    kind, _, what = name.partition(':')
    return KINDS[kind](what)
