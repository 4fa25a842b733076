// SPDX-License-Identifier: BSD-3-Clause
// Registers of several rings of one direction. Offsets are those of RX rings, which TX rings and the event ring share
// (hw/spec/nic.toml).
//
// Latency: a read's word is there at once, a write's after 1 clock.
`include "hw/spec/gen/sluice_spec.vh"
`default_nettype none
module nic_csr_rings #(
    parameter RINGS = 4     // 1 to 65
) (
    input  wire                clk,
    input  wire                off_i,           // all rings off,
    input  wire                clear_i,         // all else as new
    input  wire                we_i,
    input  wire [6:0]          windex_i,        // number of the ring
    input  wire [11:0]         woffset_i,
    input  wire [31:0]         wdata_i,
    input  wire [6:0]          rindex_i,
    input  wire [11:0]         roffset_i,
    output wire [31:0]         rdata_o,
    output wire [RINGS-1:0]    on_o,
    output wire [64*RINGS-1:0] base_o,
    output wire [4*RINGS-1:0]  size_o,
    output wire [16*RINGS-1:0] tail_o,
    input  wire [16*RINGS-1:0] head_i,
    input  wire [RINGS-1:0]    busy_i
);
    genvar g;
    generate
        if (RINGS < 1 || RINGS > 65) begin : g_illegal
            nic_csr_rings_illegal_parameter u_stop ();
        end
        for (g = 0; g < RINGS; g = g + 1) begin : g_ring
            reg         on_q;
            reg  [63:0] base_q;
            reg  [3:0]  size_q;
            reg  [15:0] tail_q;
            assign on_o[g] = on_q;
            assign base_o[64*g +: 64] = base_q;
            assign size_o[4*g +: 4] = size_q;
            assign tail_o[16*g +: 16] = tail_q;
            always @(posedge clk) begin
                if (we_i && windex_i == g)
                    case (woffset_i)
                        `SPEC_RXQ_CTRL: on_q <= wdata_i[0];
                        `SPEC_RXQ_BASE_LO: base_q[31:0] <= {wdata_i[31:6], 6'd0};
                        `SPEC_RXQ_BASE_HI: base_q[63:32] <= wdata_i;
                        `SPEC_RXQ_SIZE_LOG2: size_q <= wdata_i < 32'd3 ? 4'd3 : wdata_i > 32'd15 ? 4'd15 : wdata_i[3:0];
                        `SPEC_RXQ_TAIL: tail_q <= wdata_i[15:0];
                        default: ;
                    endcase
                if (off_i) on_q <= 1'b0;
                if (clear_i) begin
                    base_q <= 64'd0;
                    size_q <= 4'd3;
                    tail_q <= 16'd0;
                end
            end
        end
    endgenerate

    // what is the chosen ring's
    reg          on;
    reg          busy;
    reg  [63:0]  base;
    reg  [3:0]   size;
    reg  [15:0]  tail;
    reg  [15:0]  head;
    reg  [31:0]  data;
    integer      i;

    always @* begin
        {on, busy, base, size, tail, head} = {102{1'b0}};
        for (i = 0; i < RINGS; i = i + 1)
            if (rindex_i == i[6:0]) begin
                on = on_o[i];
                busy = busy_i[i];
                base = base_o[64*i +: 64];
                size = size_o[4*i +: 4];
                tail = tail_o[16*i +: 16];
                head = head_i[16*i +: 16];
            end
        case (roffset_i)
            `SPEC_RXQ_CTRL: data = {31'd0, on};
            `SPEC_RXQ_STATUS: data = {31'd0, busy};
            `SPEC_RXQ_BASE_LO: data = base[31:0];
            `SPEC_RXQ_BASE_HI: data = base[63:32];
            `SPEC_RXQ_SIZE_LOG2: data = {28'd0, size};
            `SPEC_RXQ_TAIL: data = {16'd0, tail};
            `SPEC_RXQ_HEAD: data = {16'd0, head};
            default: data = 32'd0;
        endcase
    end
    assign rdata_o = data;
endmodule
`default_nettype wire
