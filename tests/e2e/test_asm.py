# SPDX-License-Identifier: BSD-3-Clause
"""Programs as text and back: eBPF through an object or bare instructions, microcode through an image."""
import json
import os
import subprocess

import lib


def text_of(*args):
    return lib.sluice('disasm', *args).stdout


def without_comments(text):
    return [line for line in text.split('\n') if not line.startswith(';')]


def write(work, name, text):
    path = os.path.join(work, name)
    with open(path, 'w') as f:
        f.write(text)
    return path


def objects():
    return [lib.example(e) for e in lib.examples()] + lib.xdp_tools_objects()


def test_object_assembled_from_its_text_has_the_same_text(work):
    again = os.path.join(work, 'again.o')
    for obj in objects():
        text = text_of(obj, '-f', 'asm')
        assert '.program ' in text and '.section xdp' in text
        lib.sluice('asm', write(work, 'a.s', text), '-o', again)
        assert without_comments(text_of(again, '-f', 'asm')) == without_comments(text), obj


def test_assembled_program_does_the_same(work):
    again, traces = os.path.join(work, 'again.o'), []
    for name in ('firewall', 'ratelimit'):
        lib.sluice('asm', write(work, 'a.s', text_of(lib.example(name), '-f', 'asm')), '-o', again)
        for obj in (lib.example(name), again):
            trace = os.path.join(work, 'trace')
            lib.sluice('run', obj, '-r', lib.mixed(1000), '--trace', trace, *lib.example_maps(name))
            with open(trace) as f:
                traces.append(f.read())
        assert traces[-1] == traces[-2], name
        if lib.kernel_allowed():
            assert lib.compare(again, lib.mixed(1000), '-t', 'interp,kernel', *lib.example_maps(name))['mismatches'] == 0


def test_plain_text_without_maps_assembles(work):
    for name in ('drop', 'swap'):
        text = text_of(lib.example(name))
        again = os.path.join(work, 'again.o')
        lib.sluice('asm', write(work, 'a.s', text), '-o', again)
        number = lambda t: [line.strip() for line in t.split('\n') if line[:5].strip().rstrip(':').isdigit()]
        assert number(text_of(again)) == number(text)


def test_text_comes_from_standard_input_and_goes_to_standard_output(work):
    p = subprocess.run([lib.SLUICE, 'asm', '-', '--raw', '-o', '-'], input=b'w0 = 2\nexit\n', capture_output=True)
    assert p.returncode == 0 and p.stdout == bytes.fromhex('b400000002000000 9500000000000000'), p
    raw = os.path.join(work, 'raw')
    with open(raw, 'wb') as f:
        f.write(p.stdout)
    assert json.loads(lib.sluice('check', '--raw', raw, '--json').stdout)['accepted'] is True


def test_image_assembled_from_its_text_is_the_same(work):
    for name in lib.examples():
        lib.sluice('compile', lib.example(name), '-t', 'microcode', '-o', work)
        image, again = os.path.join(work, name + '.ucode'), os.path.join(work, 'again.ucode')
        lib.sluice('asm', '-f', 'microcode', write(work, 'a.s', text_of(image)), '-o', again)
        with open(image, 'rb') as a, open(again, 'rb') as b:
            assert a.read() == b.read(), name


def test_listing_without_maps_and_tokens_is_no_image(work):
    p = lib.sluice('asm', '-f', 'microcode', write(work, 'a.s', text_of(lib.example('firewall'), '-f', 'microcode')), '-o',
                   os.path.join(work, 'x'), status=2)
    assert '.map' in p.stderr or '.tokens' in p.stderr, p
    assert os.listdir(work) == ['a.s']


def test_bad_text_is_refused_and_leaves_nothing(work):
    out = os.path.join(work, 'x')
    for text, says in (('r0 = 2\nexit now\n', ['a.s:2']), ('.map m hash 4 8\nexit\n', ['a.s:1', 'max_entries']),
                       ('r1 = map[rules] ll\nexit\n', ['rules', '.map lines', '-f asm']), ('', ['a.s', 'no instruction'])):
        p = lib.sluice('asm', write(work, 'a.s', text), '-o', out, status=2)
        assert all(word in p.stderr for word in says), p.stderr
    for args in ([], ['x'], ['x', '-o', 'y', '-f', 'pipeline'], ['x', '-o', 'y', '-f', 'microcode', '--raw'], ['x', 'y', '-o', 'z'],
                 [os.path.join(work, 'none'), '-o', out], [work, '-o', out], [lib.example('drop'), '-o', out], ['/dev/zero', '-o', out]):
        p = lib.sluice('asm', *args, status=2)
        assert p.stderr and p.stdout == '', args
    assert os.listdir(work) == ['a.s']
    image = write(work, 'bad.ucode', 'SLUC and nothing that could follow')
    assert 'UCODE0001' in lib.sluice('disasm', image, status=2).stderr
