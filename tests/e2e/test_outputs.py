# SPDX-License-Identifier: BSD-3-Clause
"""The files that a verb writes, and what a signal, a terminal or a second output makes of them."""
import json
import os
import pty
import signal
import struct
import subprocess
import time

import lib


def fails(*args, says, status=2, env=None):
    p = subprocess.run([lib.SLUICE, *map(str, args)], capture_output=True, text=True, stdin=subprocess.DEVNULL, env=env)
    assert p.returncode == status and p.stdout == '', p
    for word in says:
        assert word in p.stderr, f'"{word}" is not in: {p.stderr}'


def tiny():
    return lib.traffic('tiny', '--count', 4)


def wait_until(condition, what, seconds=60):
    end = time.time() + seconds
    while not condition():
        assert time.time() < end, f'{what}: not within {seconds} s'
        time.sleep(0.02)


def stopped(work, sig, *args):
    """Starts the command in an empty folder, stops it when its temporary files are there; returns what is left."""
    # nohup and background shells hand ignored signals on, and the command leaves them ignored
    p = subprocess.Popen([lib.SLUICE, *map(str, args)], cwd=work, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                         preexec_fn=lambda: signal.signal(sig, signal.SIG_DFL))
    names = [a for a in args if a in ('-w', '--trace', '--maps-out', '--waves')]
    wait_until(lambda: len(os.listdir(work)) >= len(names) or p.poll() is not None, 'temporary files')
    p.send_signal(sig)
    assert p.wait(60) == -sig, f'ended with {p.returncode}, not by signal {sig}'
    return os.listdir(work)


def test_signal_leaves_no_file_and_is_what_the_command_died_of(work):
    long = ['run', lib.example('swap'), '-r', lib.mixed(1000), '--repeat', 1000000, '-w', 'w', '--trace', 't', '--maps-out', 'm']
    for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGPIPE):
        assert stopped(work, sig, *long) == []
    assert stopped(work, signal.SIGTERM, *long, '-t', 'microcode') == []
    assert stopped(work, signal.SIGINT, 'traffic', '-w', 'w', '--count', 100000000) == []


def test_signal_in_a_build_of_a_model_leaves_nothing(work):
    cache, out = os.path.join(work, 'cache'), os.path.join(work, 'out')
    os.mkdir(cache)
    os.mkdir(out)
    p = subprocess.Popen([lib.SLUICE, 'run', lib.example('swap'), '-t', 'pipeline', '-r', tiny(), '-w', 'w'], cwd=out,
                         env=dict(os.environ, SLUICE_CACHE=cache), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until(lambda: any(os.path.isdir(os.path.join(cache, d, 'obj')) for d in os.listdir(cache)) or p.poll() is not None, 'a build')
    p.kill()
    assert p.wait(60) == -signal.SIGKILL
    wait_until(lambda: os.listdir(cache) == [], f'an empty cache, not {os.listdir(cache)}')


def test_ignored_signal_stays_ignored(work):
    p = subprocess.Popen([lib.SLUICE, 'traffic', '-w', 'w', '--count', '300000'], cwd=work,
                         preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    wait_until(lambda: os.listdir(work) or p.poll() is not None, 'a temporary file')
    p.send_signal(signal.SIGHUP)
    assert p.wait(60) == 0 and os.listdir(work) == ['w']


def test_outputs_to_one_place_are_refused(work):
    run = ['run', lib.example('swap'), '-r', tiny()]
    w = os.path.join(work, 'x')
    os.symlink('x', os.path.join(work, 'link'))
    fails(*run, '--trace', '-', '--json', says=['--trace -', '--json', 'standard output'])
    fails(*run, '-w', '-', '--maps-out', '-', says=['-w and --maps-out', 'standard output'])
    fails(*run, '-w', w, '--trace', os.path.join(work, '.', 'x'), says=['-w and --trace', 'x'])
    fails(*run, '-w', w, '--maps-out', os.path.join(work, 'link'), says=['-w and --maps-out'])
    fails(*run, '-t', 'microcode', '--waves', w, '--trace', w, says=['--trace and --waves'])
    assert os.listdir(work) == ['link']
    fails('run', lib.example('swap'), '-r', '-', '--maps-in', '-', says=['-r and --maps-in', 'standard input'])


def test_outputs_to_one_device_are_taken(work):
    lib.sluice('run', lib.example('swap'), '-r', tiny(), '-w', '/dev/null', '--trace', '/dev/null', '--maps-out', '/dev/null')


def test_packets_to_standard_output_are_alone_there(work):
    p = subprocess.run([lib.SLUICE, 'run', lib.example('swap'), '-r', tiny(), '-w', '-'], capture_output=True)
    lib.sluice('run', lib.example('swap'), '-r', tiny(), '-w', os.path.join(work, 'w'))
    with open(os.path.join(work, 'w'), 'rb') as f:
        assert p.stdout == f.read()
    assert b'4 packets' in p.stderr and struct.unpack_from('<I', p.stdout)[0] == 0xa1b23c4d


def test_output_is_written_through_a_dangling_link(work):
    link, target = os.path.join(work, 'link'), os.path.join(work, 'target')
    for option in ('-w', '--trace', '--maps-out'):
        os.symlink('target', link)
        lib.sluice('run', lib.example('count'), '-r', tiny(), option, link)
        assert os.path.islink(link) and os.path.getsize(target) > 20, option
        os.unlink(link)
        os.unlink(target)


def test_waves_without_a_device_are_refused(work):
    waves = ['-r', tiny(), '--waves', os.path.join(work, 'x.fst')]
    for t in ('interp', 'kernel'):
        fails('run', lib.example('swap'), '-t', t, *waves, says=[t, '--waves', '-t microcode'])
    for t in ([], ['-t', 'interp,kernel'], ['-t', 'microcode,pipeline']):
        fails('compare', lib.example('swap'), *t, *waves, says=['--waves', 'one hardware executor'])
    assert os.listdir(work) == []


def test_waves_that_cannot_be_written_are_refused(work):
    null = os.path.join(work, 'null')
    os.mknod(null, 0o666 | 0o020000, os.makedev(1, 3))
    run = ['run', lib.example('swap'), '-t', 'pipeline', '-r', tiny(), '--waves']
    fails(*run, os.path.join(work, 'none', 'x.fst'), says=['--waves', 'none/x.fst', 'No such file'])
    fails(*run, null, says=['--waves', 'regular file'])
    fails(*run, '-', says=['--waves', 'regular file'])
    assert os.listdir(work) == ['null'] and not os.path.isfile(null)


def test_compare_writes_the_waves_of_its_device(work):
    lib.few_clocks()
    path = os.path.join(work, 'x.fst')
    lib.sluice('compare', lib.example('swap'), '-t', 'interp,pipeline', '-r', tiny(), '--waves', path)
    assert os.path.getsize(path) > 500 and os.listdir(work) == ['x.fst']


def test_compile_writes_all_files_or_none(work):
    folder = os.path.join(work, 'out')
    os.mkdir(folder)
    os.mkdir(os.path.join(folder, 'firewall.microcode.cost.json'))
    fails('compile', lib.example('firewall'), '-t', 'microcode', '-o', folder, says=['firewall.microcode.cost.json', 'Is a directory'])
    assert os.listdir(folder) == ['firewall.microcode.cost.json']
    fails('compile', lib.example('firewall'), '-t', 'microcode', '-o', lib.example('firewall'), says=['-o takes a folder'])
    fails('compile', lib.example('firewall'), '-t', 'microcode', '-o', os.path.join(work, 'a', 'b'), says=['a/b', 'No such file'])


def test_program_name_with_a_slash_is_no_file_name(work):
    source = os.path.join(work, 'p.bpf.c')
    with open(source, 'w') as f:
        f.write('#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n'
                'SEC("xdp") int f(struct xdp_md *c) __asm__("../evil");\nint f(struct xdp_md *c) { return 1; }\n'
                'char l[] SEC("license") = "GPL";\n')
    obj = lib.clang(source, os.path.join(work, 'p.o'))
    fails('compile', obj, '-t', 'pipeline', '-o', os.path.join(work, 'out'), says=['../evil', 'slash'])
    assert sorted(os.listdir(work)) == ['p.bpf.c', 'p.o']


def test_closed_standard_output_is_an_error_and_hurts_no_file(work):
    out = os.path.join(work, 'w')
    p = subprocess.run(f'"{lib.SLUICE}" run "{lib.example("swap")}" -r "{tiny()}" -w "{out}" >&-', shell=True, stderr=subprocess.PIPE, text=True)
    assert p.returncode == 2 and 'standard output' in p.stderr, p
    with open(out, 'rb') as f:
        assert struct.unpack('<I', f.read(4))[0] == 0xa1b23c4d


def on_terminal(*args):
    """Runs the command with its stderr on a terminal; returns what came to stdout, and what to the terminal."""
    main, side = pty.openpty()
    p = subprocess.Popen([lib.SLUICE, *map(str, args)], stdout=subprocess.PIPE, stderr=side)
    os.close(side)
    drawn = b''
    try:
        while chunk := os.read(main, 4096):
            drawn += chunk
    except OSError:
        pass  # the other end has closed
    os.close(main)
    out = p.stdout.read()
    p.stdout.close()
    assert p.wait() == 0
    return out, drawn


def test_progress_is_drawn_on_a_terminal_and_taken_away(work):
    run = ['run', lib.example('swap'), '-r', lib.mixed(1000), '--repeat', 2000, '--json']
    out, drawn = on_terminal(*run)
    assert b'%' in drawn and b'[' in drawn and drawn.endswith(b'\r\x1b[K'), drawn[-200:]
    assert json.loads(out)['packets'] == 2000000
    assert on_terminal(*run, '--no-progress')[1] == b''
    assert lib.sluice(*run).stderr == ''
