// SPDX-License-Identifier: BSD-3-Clause
// map_vmem_lane: every operation sees all that came before it, at one a clock, and leaves in the word what the table of
// atomics says. The words are kept here once more, each operation at once; good_o is low where the lane answers
// otherwise.
`include "hw/spec/gen/sluice_spec.vh"
`default_nettype none
module formal_rmw (
    input  wire        clk,
    input  wire        rst,
    input  wire        read_i,
    input  wire        write_i,
    input  wire        word_i,
    input  wire        whole_i,       // a store of all bytes needs no read, and may be to another word
    input  wire        other_i,
    input  wire [7:0]  strb_i,
    input  wire [2:0]  atomic_i,
    input  wire [63:0] data_i,
    input  wire [63:0] expect_i,
    output wire        given_o,       // one reset, at the start: contents survive a reset, but not operations under way
    output wire        good_o
);
`include "hw/spec/gen/spec_alu.vh"
    wire        apart = whole_i && write_i;
    wire [7:0]  strb = apart ? 8'hff : strb_i;
    wire        to = apart ? other_i : word_i;
    wire        reads = read_i || (write_i && !apart);
    wire [3:0]  atomic = apart || atomic_i > 3'd6 ? `SPEC_ATOMIC_NONE : {1'b0, atomic_i};
    wire [63:0] mask;
    wire [63:0] data = data_i & (atomic == `SPEC_ATOMIC_NONE ? {64{1'b1}} : mask);
    wire [63:0] old;

    genvar g;
    generate
        for (g = 0; g < 8; g = g + 1) begin : g_mask
            assign mask[8*g +: 8] = {8{strb[g]}};
        end
    endgenerate

    map_vmem_lane #(.WORDS(2), .AW(1)) u_lane (
        .clk(clk), .rst(rst), .read_i(reads), .read_word_i(word_i), .write_i(write_i),
        .write_word_i(to), .strb_i(strb), .atomic_i(atomic), .data_i(data), .expect_i(expect_i),
        .drop_i(1'b0), .old_o(old));

    reg  [63:0] words_q [0:1];
    wire [63:0] now = words_q[to];
    reg  [63:0] new_word;
    wire [63:0] kept = (new_word & mask) | (now & ~mask);
    reg  [2:0]  asked_q;
    reg  [63:0] want1_q, want2_q, want3_q;

    always @* begin
        case (atomic)
            `SPEC_ATOMIC_ADD: new_word = spec_alu64(`SPEC_ALU_ADD, now, data);
            `SPEC_ATOMIC_OR: new_word = spec_alu64(`SPEC_ALU_OR, now, data);
            `SPEC_ATOMIC_AND: new_word = spec_alu64(`SPEC_ALU_AND, now, data);
            `SPEC_ATOMIC_XOR: new_word = spec_alu64(`SPEC_ALU_XOR, now, data);
            `SPEC_ATOMIC_CMPXCHG: new_word = (now & mask) == (expect_i & mask) ? data : now;
            default: new_word = data;
        endcase
    end

    always @(posedge clk) begin
        if (write_i) words_q[to] <= kept;
        asked_q <= {asked_q[1:0], reads};
        want1_q <= words_q[word_i];
        want2_q <= want1_q;
        want3_q <= want2_q;
        if (rst) begin
            asked_q <= 3'd0;
            words_q[0] <= 64'd0;
            words_q[1] <= 64'd0;
        end
    end

    reg up_q;

    initial up_q = 1'b0;
    always @(posedge clk) up_q <= 1'b1;
    assign given_o = rst == !up_q;
    assign good_o = rst || !asked_q[2] || old == want3_q;
endmodule
`default_nettype wire
