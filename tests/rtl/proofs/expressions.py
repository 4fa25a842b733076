#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Operations as IR programs, and in Verilog what the table (hw/spec/alu.toml) says they give, for proofs that the pipeline generator
writes them so: every operation on operands of many forms (narrow, wide, swapped, joined, chosen, constant), of which fewer or more bits
are looked at; reads at run-time offsets. Multiplications are by constants, as others are a unit's, and divisions have one too.

usage: expressions.py FOLDER [--all]    writes FOLDER/N.ir and FOLDER/N.v, N from 0; --all: every pair of forms, some hundred files
    N.v has blocks that take the place of a pipeline's own: the packet's first 64 bytes come from the input, and where the bytes that
    the program writes leave, they are compared: output bit i is high where operation i (its text in a comment) is not as the table says
"""
import os
import random
import re
import sys
import tomllib

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
BATCH = 72      # operations in one program
PICKS = 5       # operands of an operation at one width that are tried without --all
FIRST = 64      # byte of the packet that gets the first result

# Operands: lines of IR that make %NAME, and its value in Verilog. The packet is a, b (8 bytes each) and more bytes.
OPERANDS = {
    'a64': (['%a64 = load.pkt.8 %data in 256..256'], 'packet[63:0]'),
    'b64': (['%b64 = load.pkt.8 %data +8 in 264..264'], 'packet[127:64]'),
    'a32': (['%a32 = load.pkt.4 %data in 256..256'], "{32'd0, packet[31:0]}"),
    'b32': (['%b32 = load.pkt.4 %data +9 in 265..265'], "{32'd0, packet[103:72]}"),
    'b16': (['%b16 = load.pkt.2 %data +8 in 264..264'], "{48'd0, packet[79:64]}"),
    'a8': (['%a8 = load.pkt.1 %data +3 in 259..259'], "{56'd0, packet[31:24]}"),
    'be': (['%be = load.pkt.8.be %data +4 in 260..260'],
           '{packet[39:32], packet[47:40], packet[55:48], packet[63:56], packet[71:64], packet[79:72], packet[87:80], packet[95:88]}'),
    'less': (['%less = ult.64 %a64, %b64'], "{63'd0, packet[63:0] < packet[127:64]}"),
    'sum': (['%sum = add.64 %a64, %b64'], 'sum'),
    'sum32': (['%sum32 = add.32 %a64, %b64'], "{32'd0, sum[31:0]}"),
    'shifted': (['%shifted = shl.64 %a64, %k8'], "{packet[55:0], 8'd0}"),
    'masked': (['%masked = and.64 %b64, %mask'], "packet[127:64] & 64'h7ff0"),
    'chosen': (['%chosen = select %less, %k5, %big'], "packet[63:0] < packet[127:64] ? 64'd5 : 64'hffffffff80000000"),
    'either': (['%either = select %less, %a64, %k0'], "packet[63:0] < packet[127:64] ? packet[63:0] : 64'd0"),
}
NEEDS = {'less': ['a64', 'b64'], 'sum': ['a64', 'b64'], 'sum32': ['a64', 'b64'], 'shifted': ['a64'], 'masked': ['b64'], 'chosen': ['less'],
         'either': ['less']}
CONSTANTS = [0, 1, 2, 5, 7, 8, 16, 24, 31, 32, 40, 63, 64, 0x7f, 0xff, 0x100, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000,
             (1 << 63) - 1, 1 << 63, (1 << 64) - 2, (1 << 64) - 1]
FACTORS = [0, 1, 2, 3, 10, 0x81, 0x10000, 0x80000001, 1 << 63, 1 << 32 | 1 << 31]


def table():
    with open(os.path.join(ROOT, 'hw', 'spec', 'alu.toml'), 'rb') as f:
        return [(row, w) for row in tomllib.load(f)['op'] for w in row['widths'] if row['class'] != 'div']


def pairs(row):
    """(first, second operand): names, or numbers for constants; all forms of one operation."""
    names = list(OPERANDS)
    if row['class'] == 'mul':
        return [(a, k) for a in names for k in FACTORS]
    if row['arity'] == 1:
        return [(a, None) for a in names]
    return [(a, b) for a in names for b in names + CONSTANTS] + [(k, b) for k in CONSTANTS[::3] for b in names]


def choose(rng, row):
    """A few of them, in which every kind of first operand and of constant turns up among the operations."""
    forms = pairs(row)
    if row['arity'] == 1 or row['class'] == 'mul':
        return rng.sample(forms, PICKS)
    with_constant = [f for f in forms if not isinstance(f[1], str)]
    return rng.sample(with_constant, PICKS // 2) + rng.sample([f for f in forms if isinstance(f[1], str)], PICKS - PICKS // 2)


def operations(everything):
    """(row, width, first, second, bytes looked at, as a condition)."""
    rng = random.Random('expressions')
    for row, width in table():
        for a, b in pairs(row) if everything else choose(rng, row):
            yield row, width, a, b, rng.choice((8, 8, 4, 2, 1)), row['class'] == 'cmp' and rng.random() < 0.3


def reads():
    """(bytes, swapped, step, at): reads at 16 + a run-time offset that is a multiple of step; at: bytes behind it."""
    for size in (1, 2, 4, 8):
        for swapped in (False, True)[:1 if size == 1 else 2]:
            for step in (1, 4):
                yield size, swapped, step, size - 1


class Program:
    def __init__(self):
        self.lines = ['func expressions', 'b0:', '    %data = const 256', '    %k0 = const 0', '    %k5 = const 5', '    %k8 = const 8',
                      '    %mask = const 0x7ff0', '    %big = const 0xffffffff80000000', '    %end = const 400']
        self.made = set()
        self.want = []

    def put(self, line):
        self.lines.append('    ' + line)

    def operand(self, what):
        """(name in IR, value in Verilog)."""
        if isinstance(what, int):
            if what not in self.made:
                self.put(f'%c{what:x} = const {what:#x}')
            self.made.add(what)
            return f'%c{what:x}', f"64'h{what:x}"
        for name in NEEDS.get(what, []):
            self.operand(name)
        lines, value = OPERANDS[what]
        if what not in self.made:
            for line in lines:
                self.put(line)
        self.made.add(what)
        return f'%{what}', value

    def result(self, value, size, expected, text):
        n = len(self.want)
        at = FIRST + 8 * n
        self.put(f'store.pkt.{size} %data +{at}, {value} in {256 + at}..{256 + at}')
        self.want.append((size, expected, text))

    def operation(self, row, width, a, b, size, condition):
        n = len(self.want)
        x, vx = self.operand(a)
        y, vy = self.operand(b) if b is not None else ('', "64'd0")
        text = f'{row["name"]}.{width} {x}' + (f', {y}' if y else '')
        self.put(f'%r{n} = {text}')
        if row['class'] == 'mul':
            expected = [f'wire [{width - 1}:0] x{n} = {vx};', f'wire [{width - 1}:0] y{n} = {vy};',
                        f'wire [{width - 1}:0] z{n} = ' + row['v'].format(a=f'x{n}', b=f'y{n}') + ';']
        else:
            expected = [f'wire [63:0] x{n} = {vx};', f'wire [63:0] y{n} = {vy};', f'wire [{width - 1}:0] z{n} = ' +
                        f'spec_alu{width}(`SPEC_ALU_{row["name"].upper()}, x{n}[{width - 1}:0], y{n}[{width - 1}:0]);']
        value = f'z{n}' if width == 64 else f"{{32'd0, z{n}}}"
        if condition:
            p, vp = self.operand('a64')
            q, vq = self.operand('masked')
            self.put(f'%s{n} = select %r{n}, {p}, {q}')
            value = f'z{n} != 0 ? {vp} : {vq}'
        self.result(f'%s{n}' if condition else f'%r{n}', size, [*expected, f'wire [63:0] want{n} = {value};'], text)

    def read(self, size, swapped, step, at):
        n = len(self.want)
        a, _ = self.operand('a64')
        most = 16 - step
        self.put(f'%mask{n} = const {most}')
        self.put(f'%i{n} = and.64 {a}, %mask{n}')
        self.put(f'%p{n} = add.64 %data, %i{n}')
        text = f'load.pkt.{size}{".be" if swapped else ""} %p{n} +{16 + at}'
        self.put(f'%r{n} = {text} in {272 + at}..{272 + at + most}')
        byte = [f"packet[8 * ({16 + at + i} + (packet[4:0] & 5'd{most})) +: 8]" for i in range(size)]
        value = ', '.join(byte if swapped else byte[::-1])
        self.result(f'%r{n}', 8, [f'wire [{8 * size - 1}:0] z{n} = {{{value}}};', f'wire [63:0] want{n} = z{n};'], text)

    def write(self, path, blocks):
        with open(path + '.ir', 'w') as f:
            f.write('\n'.join([*self.lines, '    exit %k0, %data, %end, %k0']) + '\n')
        with open(path + '.v', 'w') as f:
            f.write(blocks + '    wire [63:0] sum = packet[63:0] + packet[127:64];\n')
            for n, (size, expected, text) in enumerate(self.want):
                f.write(f'    // {text}, {size} bytes of it\n' + ''.join(f'    {line}\n' for line in expected))
                at = FIRST + 8 * n
                f.write(f'    assign m_axis_tdata[{n}] = !(&s_mask_i[HEAD_BYTES+{at} +: {size}])\n'
                        f'        || s_bytes_i[8*(HEAD_BYTES+{at}) +: {8 * size}] != want{n}[{8 * size - 1}:0];\n')
            f.write(f"    assign m_axis_tdata[511:{len(self.want)}] = 0;\nendmodule\n")


# What stands in a pipeline's place of blocks that keep a state.
BLOCKS = '''`include "hw/spec/gen/sluice_spec.vh"
module formal_expressions (input wire clk, input wire [511:0] packet_i, output wire [511:0] bad_o);
    sluice_dut u_dut (.clk(clk), .rst(1'b0), .s_axis_tdata(packet_i), .s_axis_tkeep({64{1'b1}}), .s_axis_tvalid(1'b1),
        .s_axis_tlast(1'b1), .s_axis_tuser(160'd0), .m_axis_tready(1'b1), .m_axis_tdata(bad_o));
endmodule
module csr_block #(parameter KIND = 0, STAGES = 0, HAS_PROGRAM = 0, EXT_LINES = 0, CORES = 0, COUNT_W = 1) (PORTS);
    assign enable_o = 1'b1;
endmodule
module pipe_ingress #(parameter WINDOW_BYTES = 64, parameter WHOLE = 0) (PORTS);
    assign m_valid_o = 1'b1;
    assign m_window_o = s_axis_tdata;
    assign beat_data_o = s_axis_tdata;
endmodule
module pipe_fifo #(parameter WIDTH = 8, parameter DEPTH = 16) (PORTS);
    assign m_data_o = s_data_i;
endmodule
module pipe_egress #(parameter WINDOW_BYTES = 64, parameter HEAD_BYTES = 0, parameter EVENT_BYTES = 0) (PORTS);
    `include "hw/spec/gen/spec_alu.vh"
    wire [511:0] packet = beat_data_i;
    assign s_ready_o = 1'b1;
'''


def ports(module):
    """The ports of a block as its source declares them."""
    for folder in ('pipe', 'csr'):
        path = os.path.join(ROOT, 'hw', 'rtl', folder, module + '.v')
        if os.path.exists(path):
            with open(path) as f:
                text = re.sub(r'//.*', '', f.read())
            found = re.findall(r'\b(input|output)\s+wire\s*(\[[^\n]*\])?\s*(\w+)\s*[,\n]', text[text.index('('):text.index(');')])
            return ',\n'.join(f'    {way} wire {bits} {name}' for way, bits, name in found)
    raise FileNotFoundError(module)


def main():
    out, everything = sys.argv[1], '--all' in sys.argv
    blocks = re.sub(r'(?<=module )(\w+)( #\(.*\) )\(PORTS\)', lambda m: f'{m[1]}{m[2]}(\n{ports(m[1])})', BLOCKS)
    os.makedirs(out, exist_ok=True)
    todo = [(Program.operation, o) for o in operations(everything)] + [(Program.read, r) for r in reads()]
    random.Random('order').shuffle(todo)
    for n in range(0, len(todo), BATCH):
        program = Program()
        for method, arguments in todo[n:n + BATCH]:
            method(program, *arguments)
        program.write(os.path.join(out, str(n // BATCH)), blocks)


if __name__ == '__main__':
    main()
