// SPDX-License-Identifier: BSD-3-Clause
// Lane 3's access to map values: pointer to address at stage 4 (the map's VMEM_BASE plus the offset), request at
// stage 5; the value memory answers at stage 9. One a clock, in order of issue. The pointer's map number plus
// one is in its bits 32 and up.
`include "hw/spec/gen/sluice_spec.vh"
`default_nettype none
module core_mapport (
    input  wire        clk,
    input  wire        rst,
    // map descriptors, as the host sets them
    input  wire        cfg_we_i,
    input  wire [4:0]  cfg_map_i,
    input  wire [31:0] cfg_base_i,
    // stage 4
    input  wire        en4_i,
    input  wire [6:0]  op4_i,
    input  wire [3:0]  atomic4_i,
    input  wire [3:0]  size4_i,
    input  wire [36:0] ptr4_i,       // bits 36:0 of pointer + displacement
    input  wire [63:0] data4_i,
    input  wire [63:0] expect4_i,
    // value memory, stage 5
    output wire        a_valid_o,
    output wire [1:0]  a_op_o,
    output wire [3:0]  a_atomic_o,
    output wire [3:0]  a_size_o,
    output wire [31:0] a_addr_o,
    output wire [63:0] a_data_o,
    output wire [63:0] a_expect_o,
    // base of one more map, for the mailbox
    input  wire [4:0]  base_map_i,
    output wire [31:0] base_o
);
    (* ram_style = "distributed" *) reg [31:0] base_q [0:31];   // by map + 1, modulo 32
    reg        valid5_q;
    reg [1:0]  op5_q;
    reg [3:0]  atomic5_q;
    reg [3:0]  size5_q;
    reg [31:0] addr5_q;
    reg [63:0] data5_q;
    reg [63:0] expect5_q;
    wire [4:0] cfg_index = cfg_map_i + 5'd1;
    wire [4:0] base_index = base_map_i + 5'd1;

    always @(posedge clk) begin
        if (cfg_we_i) base_q[cfg_index] <= cfg_base_i;
        op5_q     <= op4_i == `UCODE_LDMAP ? 2'd0 : op4_i == `UCODE_STMAP ? 2'd1 : 2'd2;
        atomic5_q <= atomic4_i;
        size5_q   <= size4_i;
        addr5_q   <= base_q[ptr4_i[36:32]] + ptr4_i[31:0];
        data5_q   <= data4_i;
        expect5_q <= expect4_i;
        valid5_q  <= en4_i;
        if (rst) valid5_q <= 1'b0;
    end

    assign a_valid_o = valid5_q;
    assign a_op_o = op5_q;
    assign a_atomic_o = atomic5_q;
    assign a_size_o = size5_q;
    assign a_addr_o = addr5_q;
    assign a_data_o = data5_q;
    assign a_expect_o = expect5_q;
    assign base_o = base_q[base_index];
endmodule
`default_nettype wire
