// SPDX-License-Identifier: BSD-3-Clause
// The value memory with random back-pressure: on port B, and with SLOW_PORT_A defined, which is for pipelines (the core relies
// on a port A that always takes), on port A too. The memory itself is here map_vmem_real, made of
// hw/rtl/map/map_vmem.v by the test.
`default_nettype none
module map_vmem #(
    parameter BYTES  = 4096,
    parameter TAG_W  = 1,
    parameter B_WAIT = 0
) (
    input  wire             clk,
    input  wire             rst,
    input  wire             a_valid_i,
    output wire             a_ready_o,
    input  wire [1:0]       a_op_i,
    input  wire [3:0]       a_atomic_i,
    input  wire [3:0]       a_size_i,
    input  wire [31:0]      a_addr_i,
    input  wire [63:0]      a_data_i,
    input  wire [63:0]      a_expect_i,
    input  wire [TAG_W-1:0] a_tag_i,
    output wire             r_valid_o,
    output wire [TAG_W-1:0] r_tag_o,
    output wire [63:0]      r_data_o,
    input  wire             b_valid_i,
    output wire             b_ready_o,
    input  wire             b_write_i,
    input  wire [31:0]      b_addr_i,
    input  wire [63:0]      b_data_i,
    input  wire [7:0]       b_strb_i,
    output wire             b_rvalid_o,
    output wire [63:0]      b_rdata_o
);
    reg  [30:0] random_q;
`ifdef SLOW_PORT_A
    wire        take_a = random_q[2] || random_q[13];
`else
    wire        take_a = 1'b1;
`endif
    wire        take_b = random_q[4];
    wire        a_ready;
    wire        b_ready;

    always @(posedge clk) begin
        random_q <= {random_q[27:0], random_q[30:28] ^ random_q[27:25]};
        if (rst) random_q <= 31'h1234567;
    end

    assign a_ready_o = a_ready && take_a;
    assign b_ready_o = b_ready && take_b;

    map_vmem_real #(.BYTES(BYTES), .TAG_W(TAG_W), .B_WAIT(B_WAIT)) u_real (
        .clk(clk), .rst(rst), .a_valid_i(a_valid_i && take_a), .a_ready_o(a_ready), .a_op_i(a_op_i), .a_atomic_i(a_atomic_i),
        .a_size_i(a_size_i), .a_addr_i(a_addr_i), .a_data_i(a_data_i), .a_expect_i(a_expect_i), .a_tag_i(a_tag_i),
        .r_valid_o(r_valid_o), .r_tag_o(r_tag_o), .r_data_o(r_data_o), .b_valid_i(b_valid_i && take_b), .b_ready_o(b_ready),
        .b_write_i(b_write_i), .b_addr_i(b_addr_i), .b_data_i(b_data_i), .b_strb_i(b_strb_i), .b_rvalid_o(b_rvalid_o),
        .b_rdata_o(b_rdata_o));
endmodule
`default_nettype wire
