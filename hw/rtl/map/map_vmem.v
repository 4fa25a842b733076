// SPDX-License-Identifier: BSD-3-Clause
// The memory of map values. Port A loads, stores and does atomics for the data path; port B reads
// and writes aligned words for the hash engine and the host.
//
// Latency: MAP_VMEM_LATENCY = 4 clocks on both ports (accepted in clock c, answered in clock c +
// 4). Throughput: one operation a clock on port A, whatever its addresses. Order: each operation
// takes effect in the order of acceptance; of two accepted in one clock, port A's comes first.
// Back-pressure: port A always takes (but see B_WAIT). Port B takes what port A leaves over: the
// memory is two banks of even and odd words with a read and a write a clock each; a read on port B
// waits while port A uses its bank, a write of all 8 bytes while port A writes in its bank. An
// atomic's address is a multiple of its size, as the verifier demands; lower address bits are
// ignored. Addresses wrap at BYTES. Contents start as zero; reset does not clear them.
`default_nettype none

module map_vmem #(
    parameter BYTES  = 4096,  // size in bytes, a power of two, 32 to 2^30
    parameter TAG_W  = 1,     // bits of the tag, at least 1
    parameter B_WAIT = 0      // clocks that port B waits before port A is held for one; 0: never
) (
    input  wire             clk,
    input  wire             rst,

    input  wire             a_valid_i,
    output wire             a_ready_o,
    input  wire [1:0]       a_op_i,      // 0 load, 1 store, 2 atomic
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
    map_values #(
        .BYTES (BYTES),
        .TAG_W (TAG_W),
        .B_WAIT(B_WAIT)
    ) u_values (
        .clk       (clk),
        .rst       (rst),
        .a_valid_i (a_valid_i),
        .a_ready_o (a_ready_o),
        .a_op_i    (a_op_i),
        .a_atomic_i(a_atomic_i),
        .a_size_i  (a_size_i),
        .a_addr_i  (a_addr_i),
        .a_data_i  (a_data_i),
        .a_expect_i(a_expect_i),
        .a_tag_i   (a_tag_i),
        .a_drop_i  (1'b0),
        .r_valid_o (r_valid_o),
        .r_tag_o   (r_tag_o),
        .r_data_o  (r_data_o),
        .b_valid_i (b_valid_i),
        .b_ready_o (b_ready_o),
        .b_write_i (b_write_i),
        .b_addr_i  (b_addr_i),
        .b_data_i  (b_data_i),
        .b_strb_i  (b_strb_i),
        .b_rvalid_o(b_rvalid_o),
        .b_rdata_o (b_rdata_o)
    );
endmodule

`default_nettype wire
