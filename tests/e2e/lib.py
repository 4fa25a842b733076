# SPDX-License-Identifier: BSD-3-Clause
"""What the end-to-end tests and the demo share: the built command, compiled programs, captures, map files."""
import glob
import json
import os
import shutil
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, 'build')
SLUICE = os.path.join(BUILD, 'sluice')
EXECUTORS = ['interp', 'kernel', 'microcode', 'pipeline']
# where Debian's xdp-tools puts its objects
XDP_TOOLS = sorted(glob.glob('/usr/lib/*/bpf'))
os.environ.setdefault('SLUICE_CACHE', os.path.join(BUILD, 'models'))


def sluice(*args, status=0, timeout=900):
    """Runs the command; its exit status must be the one given (None: any)."""
    p = subprocess.run([SLUICE, *map(str, args)], capture_output=True, text=True, timeout=timeout, errors='replace',
                       stdin=subprocess.DEVNULL)
    assert status is None or p.returncode == status, \
        f'sluice {" ".join(map(str, args))}: exit status {p.returncode}, wanted {status}\n{p.stdout[-3000:]}\n{p.stderr[-3000:]}'
    return p


def few_clocks():
    """The models that this test builds from here on run for some thousand clocks only, for which the compiler need not optimise them."""
    os.environ['MODEL_OPT'] = '-O0'


def all_examples():
    return sorted(os.path.basename(p)[:-len('.bpf.c')] for p in glob.glob(os.path.join(ROOT, 'examples', '*.bpf.c')))


def examples():
    """The small examples, which fit every executor as they are; larger.py has the others."""
    import larger
    return [name for name in all_examples() if not any(row.name == name for row in larger.ROWS)]


def clang(source, out, compiler='clang', cpu='v3', debug=True, defines=(), includes=()):
    os.makedirs(os.path.dirname(out), exist_ok=True)
    triplet = subprocess.run(['gcc', '-print-multiarch'], capture_output=True, text=True).stdout.strip()
    subprocess.run([compiler, '-O2', *defines] + (['-g'] if debug else []) +
                   ['-target', 'bpf', f'-mcpu={cpu}', '-I/usr/include/' + triplet, *('-I' + d for d in includes), '-c', source, '-o', f'{out}.{os.getpid()}'], check=True)
    os.replace(f'{out}.{os.getpid()}', out)  # tests that run at once may make the same object
    return out


def example(name, compiler='clang', cpu='v3', defines=()):
    """The object of an example, compiled when it is older than its source."""
    source = os.path.join(ROOT, 'examples', name + '.bpf.c')
    out = os.path.join(BUILD, 'bpf', '-'.join([name, compiler, cpu, *defines]) + '.o')
    headers = glob.glob(os.path.join(ROOT, 'examples', '*.h'))
    if not os.path.exists(out) or os.path.getmtime(out) < max(map(os.path.getmtime, [source, *headers])):
        clang(source, out, compiler, cpu, defines=['-D' + d for d in defines])
    return out


def example_maps(name):
    """The options that fill an example's maps."""
    path = os.path.join(ROOT, 'examples', name + '.maps.json')
    return ['--maps-in', path] if os.path.exists(path) else []


def traffic(name, *options):
    """A capture in the build folder, made once."""
    path = os.path.join(BUILD, 'traffic', name + '.pcap')
    if not os.path.exists(path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        sluice('traffic', '-w', path, *options)
    return path


def mixed(count=10000):
    return traffic(f'mixed-{count}', '--count', count, '--flows', 500)


def one_flow(count=10000):
    return traffic(f'one-flow-{count}', '--count', count, '--flows', 1, '--size', 64, '--mix', 'udp=1', '--malformed', 0,
                   '--ip-options', 0)


def assert_run_fields(result, executor):
    """The JSON result of run, and of each executor in that of compare: the contract's fields, and that they agree."""
    whole = lambda *names: all(isinstance(result[n], int) and result[n] >= 0 for n in names)
    assert isinstance(result['program'], str) and result['executor'] == executor and whole('packets', 'runts', 'giants'), result
    assert list(result['verdicts']) == ['XDP_ABORTED', 'XDP_DROP', 'XDP_PASS', 'XDP_TX', 'XDP_REDIRECT'], result
    assert sum(result['verdicts'].values()) == result['packets'], result
    if executor in ('microcode', 'pipeline'):
        latency = result['latency_cycles']
        assert whole('cycles') and latency['p50'] <= latency['p99'] <= latency['max'] <= result['cycles'], result
        assert abs(result['cycles_per_packet'] * (result['packets'] or 1) - result['cycles']) <= 1e-5 * result['cycles'], result
        assert 'ns_per_packet' not in result, result
    else:
        assert result['ns_per_packet'] >= 0 and 'cycles' not in result and 'latency_cycles' not in result, result


def assert_compare_fields(result, status):
    """The JSON result of compare: the contract's fields, and that they agree with each other and the exit status."""
    ran = {name: e for name, e in result['executors'].items() if 'skipped' not in e}
    for name, e in result['executors'].items():
        assert name in EXECUTORS, result
        if name in ran:
            assert_run_fields(e, name)
        else:
            assert list(e) == ['skipped'] and e['skipped'], e
    assert result['mismatches'] == sum(e['mismatches'] for e in ran.values()), result
    assert bool(result['mismatches']) == bool(result['differences']), result
    for d in result['differences']:
        assert list(d) == ['packet', 'executor', 'field', 'expected', 'got'] and d['executor'] in ran, d
    assert status == (4 if not ran else 1 if result['mismatches'] else 0), (status, result)


def compare(obj, capture, *options, status=0):
    p = sluice('compare', obj, '-r', capture, '--json', '--no-progress', *options, status=status)
    result = json.loads(p.stdout)
    assert_compare_fields(result, p.returncode)
    return result


def kernel_allowed():
    """Whether this machine lets us use bpf() at all."""
    p = sluice('compare', example('drop'), '-r', traffic('tiny', '--count', 4), '-t', 'interp,kernel', '--json', status=None)
    return p.returncode == 0 and 'skipped' not in json.loads(p.stdout)['executors']['kernel']


def assert_agree(result, skippable=()):
    """All executors ran and agree. skippable: executors that may be skipped, with their reason told."""
    told = []
    for name in EXECUTORS:
        e = result['executors'][name]
        if 'skipped' in e:
            assert name in skippable, f'{name} skipped: {e["skipped"]}'
            told.append(f'{name}: {e["skipped"]}')
    assert result['mismatches'] == 0, json.dumps(result['differences'][:5], indent=1)
    return told


def xdp_tools_objects():
    found = []
    for folder in XDP_TOOLS:
        found += glob.glob(os.path.join(folder, 'xdpfilt_*.o')) + glob.glob(os.path.join(folder, 'xsk_def_xdp_prog*.o'))
    return sorted(found)


def entry(key, value, cpus=0):
    """One entry of a map file; cpus: values of a per-CPU map."""
    h = lambda data: [f'0x{x:02x}' for x in data]
    if cpus:
        return {'key': h(key), 'values': [{'cpu': c, 'value': h(value)} for c in range(cpus)]}
    return {'key': h(key), 'value': h(value)}


def xdpfilter_maps(obj, path):
    """Sensible contents for the maps of an xdp-filter object: some ports, addresses and MACs of sluice traffic.

    A value is a mask of what to match (1 source, 2 destination, 4 TCP, 8 UDP) below a packet counter."""
    with open(obj, 'rb') as f:
        image = f.read()
    eight = lambda v: v.to_bytes(8, 'little')
    maps = {
        'filter_ports': [entry(port.to_bytes(2, 'big') + b'\0\0', eight(flags))
                         for port, flags in ((53, 0xf), (80, 0x6), (443, 0x7), (8080, 0xa))],
        'filter_ipv4': [entry(bytes([192, 168, 0, i]), eight(3)) for i in range(12)] +
                       [entry(bytes([10, 0, 1, i]), eight(1)) for i in range(200)],
        'filter_ipv6': [entry(bytes.fromhex('20010db800000000') + bytes([0, 0, 0, 1, 192, 168, 0, i]), eight(2)) for i in range(20)],
        'filter_ethernet': [entry(bytes([2, 0, 192, 168, 0, i]), eight(3)) for i in range(20, 40)],
    }
    here = {name: entries for name, entries in maps.items() if name.encode() + b'\0' in image}
    with open(path, 'w') as f:
        json.dump(here, f)
    return path
