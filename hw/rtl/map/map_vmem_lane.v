// SPDX-License-Identifier: BSD-3-Clause
// One bank of the map value memory: its RAM and the read-modify-write of one 8-byte word a clock.
//
// An operation is offered in clock c with its positions worked out: the word it reads, the word it
// writes, the bytes to write, its data and its expected value moved to their place in the word. The
// word before the operation is at old_o in clock c + 3; the write is done at the end of that clock.
// Throughput: one operation a clock, each seeing all that came before it: what is read from the RAM
// gives way to the words of the two operations before, which are not in the RAM yet.
`include "hw/spec/gen/sluice_spec.vh"
`default_nettype none

module map_vmem_lane #(
    parameter WORDS = 16,  // 8-byte words of this bank, a power of two, at least 2
    parameter AW    = 4    // $clog2(WORDS)
) (
    input  wire          clk,
    input  wire          rst,
    input  wire          read_i,        // old_o is wanted, or needed for the write
    input  wire [AW-1:0] read_word_i,
    input  wire          write_i,
    input  wire [AW-1:0] write_word_i,  // read_word_i, unless all bytes are stored
    input  wire [7:0]    strb_i,
    input  wire [3:0]    atomic_i,      // SPEC_ATOMIC_*; NONE stores data_i
    input  wire [63:0]   data_i,        // of an atomic: zero outside of the bytes of strb_i
    input  wire [63:0]   expect_i,
    input  wire          drop_i,        // one clock later: it writes nothing after all
    output wire [63:0]   old_o
);
    // Stage 1: the RAM reads. Stage 2: the new word. Stage 3: it is written. Stage 4: it was just
    // written, but a read that started in the same clock has missed it.
    reg          s1_read_q, s1_write_q, s2_write_q, s3_write_q;
    reg [AW-1:0] s1_read_word_q, s1_write_word_q, s2_write_word_q, s3_write_word_q;
    reg [7:0]    s1_strb_q, s2_strb_q;
    reg [3:0]    s1_atomic_q, s2_atomic_q;
    reg [63:0]   s1_data_q, s2_data_q, s1_expect_q, s2_expect_q;
    reg [63:0]   s3_new_q, s4_new_q, s3_old_q;
    reg          s2_from_s3_q, s2_from_s4_q;

    wire [63:0] ram_data;
    wire [63:0] old = s2_from_s3_q ? s3_new_q : s2_from_s4_q ? s4_new_q : ram_data;

    map_bank #(
        .WIDTH(64),
        .WORDS(WORDS)
    ) u_bank (
        .clk         (clk),
        .write_i     (s3_write_q),
        .write_addr_i(s3_write_word_q),
        .write_data_i(s3_new_q),
        .read_i      (s1_read_q),
        .read_addr_i (s1_read_word_q),
        .read_data_o (ram_data)
    );

    wire [63:0] mask;
    genvar g;
    generate
        for (g = 0; g < 8; g = g + 1) begin : g_mask
            assign mask[8*g+:8] = {8{s2_strb_q[g]}};
        end
    endgenerate

    reg [63:0] result;
    always @* begin
        case (s2_atomic_q)
            `SPEC_ATOMIC_ADD: result = old + s2_data_q;
            `SPEC_ATOMIC_OR:  result = old | s2_data_q;
            `SPEC_ATOMIC_AND: result = old & s2_data_q;
            `SPEC_ATOMIC_XOR: result = old ^ s2_data_q;
            `SPEC_ATOMIC_CMPXCHG:
                result = ((old ^ s2_expect_q) & mask) == 64'd0 ? s2_data_q : old;
            default:          result = s2_data_q;
        endcase
    end

    always @(posedge clk) begin
        s1_read_q       <= read_i;
        s1_read_word_q  <= read_word_i;
        s1_write_q      <= write_i;
        s1_write_word_q <= write_word_i;
        s1_strb_q       <= strb_i;
        s1_atomic_q     <= atomic_i;
        s1_data_q       <= data_i;
        s1_expect_q     <= expect_i;

        s2_write_q      <= s1_write_q && !drop_i;
        s2_write_word_q <= s1_write_word_q;
        s2_strb_q       <= s1_strb_q;
        s2_atomic_q     <= s1_atomic_q;
        s2_data_q       <= s1_data_q;
        s2_expect_q     <= s1_expect_q;
        s2_from_s3_q    <= s2_write_q && s2_write_word_q == s1_read_word_q;
        s2_from_s4_q    <= s3_write_q && s3_write_word_q == s1_read_word_q;

        s3_write_q      <= s2_write_q;
        s3_write_word_q <= s2_write_word_q;
        s3_new_q        <= (result & mask) | (old & ~mask);
        s3_old_q        <= old;
        s4_new_q        <= s3_new_q;
        if (rst) begin
            s1_read_q  <= 1'b0;
            s1_write_q <= 1'b0;
            s2_write_q <= 1'b0;
            s3_write_q <= 1'b0;
        end
    end
    assign old_o = s3_old_q;
endmodule

`default_nettype wire
