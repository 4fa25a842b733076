# SPDX-License-Identifier: BSD-3-Clause
"""Map files by the names of fields: what is written is read back, what is wrong is told with its place."""
import copy
import json
import os

import lib

FLOW = {'from': {'v4': 0x0100000a, 'port': 80}, 'to': {'bytes': [192, 0, 2, 1], 'port': 65535}, 'name': 'eth0'}
RECORD = {'packets': '18446744073709551615', 'balance': -5, 'state': 'LOST', 'low': 5, 'high': 0x1fffffff, 'signs': -16, 'seen': True,
          'either': {'word': 0x102}, 'hops': [{'v4': 1, 'port': 2}, {'bytes': [1, 2, 3, 4], 'port': 0}], 'text': 'hello', 'pointer': 4096}
MAPS = {'flows': [{'formatted': {'key': FLOW, 'value': RECORD}}],
        'percpu': [{'key': 1, 'values': [{'cpu': 0, 'value': {'v4': 7, 'port': 9}}, {'cpu': 3, 'value': {'port': 1}}]}],
        'states': [{'key': ['0x00', '0x00', '0x00', '0x00'], 'value': 7}, {'formatted': {'key': 1, 'value': 'LOST'}}]}


def setup(work):
    obj = lib.clang(os.path.join(lib.ROOT, 'tests', 'progs', 'maps', 'types.bpf.c'), os.path.join(work, 'types.o'))
    return obj, os.path.join(work, 'in.json'), os.path.join(work, 'out.json')


def run(obj, document, given, written, *options, status=0):
    with open(given, 'w') as f:
        json.dump(document, f)
    return lib.sluice('run', obj, '-r', lib.mixed(10), '--maps-in', given, '--maps-out', written, *options, status=status)


def test_fields_are_read_and_written_back(work):
    obj, given, written = setup(work)
    run(obj, MAPS, given, written, '--formatted')
    with open(written) as f:
        out = json.load(f)
    flow, = out['flows']
    key, value = flow['formatted']['key'], flow['formatted']['value']
    assert key['from'] == {'v4': 0x0100000a, 'bytes': [10, 0, 0, 1], 'port': 80} and key['name'] == 'eth0', key
    assert {k: v for k, v in value.items() if k not in ('hops', 'either')} == {k: v for k, v in RECORD.items() if k not in ('hops', 'either')}, value
    assert value['either'] == {'word': 0x102, 'halves': [2, 1]} and value['hops'][1]['v4'] == 0x04030201, value
    assert bytes(int(b, 0) for b in flow['value'])[:12] == b'\xff' * 8 + b'\xfb\xff\xff\xff', flow
    assert [e['formatted'] for e in out['states']] == [{'key': 0, 'value': 'OPEN'}, {'key': 1, 'value': 'LOST'}], out['states']
    percpu = out['percpu'][1]['formatted']
    assert percpu['key'] == 1 and percpu['values'][3] == {'cpu': 3, 'value': {'v4': 0, 'bytes': [0, 0, 0, 0], 'port': 1}}, percpu
    # all of it again: bytes and fields together, and fields alone
    again = os.path.join(work, 'again.json')
    run(obj, out, written + '2', again, '--formatted')
    alone = {name: [{'formatted': e['formatted']} for e in entries] for name, entries in out.items()}
    run(obj, alone, written + '3', again + '3', '--formatted')
    for path in (again, again + '3'):
        with open(path) as f:
            assert json.load(f) == out
    run(obj, MAPS, given, again)
    with open(again) as f:
        assert 'formatted' not in f.read()


def test_wrong_fields_are_told_with_their_place(work):
    obj, given, written = setup(work)

    def wrong(says, change):
        document = copy.deepcopy(MAPS)
        change(document['flows'][0]['formatted'], document)
        p = run(obj, document, given, written, status=2)
        assert says in p.stderr and 'flows[0]' in p.stderr, (says, p.stderr)
    wrong('"value": there is no member "colour"', lambda e, d: e['value'].update(colour=1))
    wrong('"value": balance: 2147483648 does not fit 32 bits, signed', lambda e, d: e['value'].update(balance=2 ** 31))
    wrong('"value": low: 8 does not fit 3 bits, unsigned', lambda e, d: e['value'].update(low=8))
    wrong('"value": low: -1 does not fit 3 bits, unsigned', lambda e, d: e['value'].update(low=-1))
    wrong('"value": signs: 16 does not fit 5 bits, signed', lambda e, d: e['value'].update(signs=16))
    wrong('"value": state: "AJAR" is no name or number of this enum', lambda e, d: e['value'].update(state='AJAR'))
    wrong('"value": hops[1].port: 65536 does not fit 16 bits', lambda e, d: e['value']['hops'][1].update(port=65536))
    wrong('"value": hops: the array has 1 elements, not 2', lambda e, d: e['value'].update(hops=[{'v4': 1}]))
    wrong('"value": text: the text has 13 bytes, and there is room for 12', lambda e, d: e['value'].update(text='x' * 13))
    wrong('"value": either.halves[0]: another member of the union says something else', lambda e, d: e['value']['either'].update(halves=[3, 1]))
    wrong('"key": from: "port" is missing; a key has all of its members', lambda e, d: e['key']['from'].pop('port'))
    wrong('"key": to: no member of the union is given', lambda e, d: e['key']['to'].pop('bytes'))
    wrong('"key" is missing', lambda e, d: e.pop('key'))
    wrong('"value": packets: it is no number', lambda e, d: e['value'].update(packets=[1]))
    wrong('"value": it is no object with members', lambda e, d: d['flows'][0].update(value=3))
    wrong('"key" and that of "formatted" differ', lambda e, d: d['flows'][0].update(key=['0x01'] * 24))
