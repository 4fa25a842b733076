// SPDX-License-Identifier: BSD-3-Clause
// What the cores share: port A of the value memory and the port of the key engines, each for one row a clock. A row that
// wants one is let through at stage 2, of several the one of the core whose packets leave now, or which comes next in the
// ring after it: so the oldest packets never wait. The others' turns pass. From then on nothing waits or overtakes, so
// accesses and operations take effect in the order in which their rows issue, as in one core: value accesses come to
// their port three clocks later, map operations go to the engines in the order in which they came to their cores' queues.
// Several cores can use port A in each clock, and port B has what that leaves; so when port B has waited for B_WAIT clocks, no
// row gets the port until port B has been served.
`include "hw/spec/gen/sluice_spec.vh"
`default_nettype none
module core_share #(
    parameter CORES = 2,                    // a power of two, 2 to SPEC_CORES_MAX
    parameter CORE_W = 1,                   // its log2
    parameter B_WAIT = 16                   // clocks, a power of two, at least 2
) (
    input  wire                 clk,
    input  wire                 rst,
    input  wire [CORE_W-1:0]    oldest_i,   // core whose packets leave now
    // stage 2: rows that can issue
    input  wire [CORES-1:0]     value2_i,   // access value memory,
    input  wire [CORES-1:0]     keys2_i,    // or have a map operation
    output wire [CORES-1:0]     turn2_o,
    input  wire                 b_waits_i,  // value memory: port B offers and is not taken
    // stage 3: a map operation goes to its core's queue
    input  wire [CORES-1:0]     keys3_i,
    // stage 5: accesses of value memory, one core's at most
    input  wire [CORES-1:0]     s_valid_i,
    input  wire [CORES*2-1:0]   s_op_i,
    input  wire [CORES*4-1:0]   s_atomic_i,
    input  wire [CORES*4-1:0]   s_size_i,
    input  wire [CORES*32-1:0]  s_addr_i,
    input  wire [CORES*64-1:0]  s_data_i,
    input  wire [CORES*64-1:0]  s_expect_i,
    output wire                 a_valid_o,
    output reg  [1:0]           a_op_o,
    output reg  [3:0]           a_atomic_o,
    output reg  [3:0]           a_size_o,
    output reg  [31:0]          a_addr_o,
    output reg  [63:0]          a_data_o,
    output reg  [63:0]          a_expect_o,
    // map operations at the heads of the cores' queues
    input  wire [CORES-1:0]     s_req_valid_i,
    output wire [CORES-1:0]     s_req_ready_o,
    input  wire [CORES*3-1:0]   s_req_op_i,
    input  wire [CORES*8-1:0]   s_req_map_i,
    input  wire [CORES*8-1:0]   s_req_cpu_i,
    input  wire [CORES*512-1:0] s_req_key_i,
    input  wire [CORES*2048-1:0] s_req_value_i,
    input  wire [CORES*64-1:0]  s_req_flags_i,
    input  wire [CORES*3-1:0]   s_req_ctx_i,
    output wire                 req_valid_o,
    input  wire                 req_ready_i,
    output wire [2:0]           req_op_o,
    output wire [7:0]           req_map_o,
    output wire [7:0]           req_cpu_o,
    output wire [511:0]         req_key_o,
    output wire [2047:0]        req_value_o,
    output wire [63:0]          req_flags_o,
    output wire [CORE_W+2:0]    req_who_o   // core and context
);
    reg [$clog2(B_WAIT):0] waited_q;

    always @(posedge clk) begin
        if (!waited_q[$clog2(B_WAIT)]) waited_q <= waited_q + 1'b1;
        if (rst || !b_waits_i) waited_q <= {$clog2(B_WAIT)+1{1'b0}};
    end

    // --- turns: core j goes before core i if it comes first from the oldest on
    genvar g;
    generate
        for (g = 0; g < CORES; g = g + 1) begin : g_turn
            localparam [CORE_W-1:0] OWN = g;
            wire [CORE_W-1:0] far = OWN - oldest_i;
            reg               passed;
            reg  [CORE_W-1:0] other;
            integer           j;

            always @* begin
                passed = 1'b0;
                for (j = 0; j < CORES; j = j + 1) begin
                    other = j[CORE_W-1:0] - oldest_i;
                    if (other < far && ((value2_i[g] && value2_i[j]) || (keys2_i[g] && keys2_i[j])))
                        passed = 1'b1;
                end
            end

            assign turn2_o[g] = !passed && !(value2_i[g] && waited_q[$clog2(B_WAIT)]);
        end
    endgenerate

    // --- value memory
    integer i;

    always @* begin
        {a_op_o, a_atomic_o, a_size_o, a_addr_o, a_data_o, a_expect_o} = 170'd0;
        for (i = 0; i < CORES; i = i + 1) begin
            if (s_valid_i[i]) begin
                a_op_o = a_op_o | s_op_i[2*i +: 2];
                a_atomic_o = a_atomic_o | s_atomic_i[4*i +: 4];
                a_size_o = a_size_o | s_size_i[4*i +: 4];
                a_addr_o = a_addr_o | s_addr_i[32*i +: 32];
                a_data_o = a_data_o | s_data_i[64*i +: 64];
                a_expect_o = a_expect_o | s_expect_i[64*i +: 64];
            end
        end
    end

    assign a_valid_o = |s_valid_i;

    // --- map operations: whose is next
    reg  [CORE_W-1:0] who3;
    wire [CORE_W-1:0] who;
    wire              some;
    integer           k;

    always @* begin
        who3 = {CORE_W{1'b0}};
        for (k = 0; k < CORES; k = k + 1) begin
            if (keys3_i[k]) who3 = who3 | k[CORE_W-1:0];
        end
    end

    fifo_small #(.WIDTH(CORE_W), .DEPTH(CORES * `SPEC_CONTEXTS)) u_order (
        .clk(clk), .rst(rst), .push_i(|keys3_i), .data_i(who3), .valid_o(some),
        .pop_i(req_valid_o && req_ready_i), .data_o(who));

    generate
        for (g = 0; g < CORES; g = g + 1) begin : g_ready
            localparam [CORE_W-1:0] OWN = g;

            assign s_req_ready_o[g] = req_ready_i && some && who == OWN;
        end
    endgenerate

    assign req_valid_o = some && s_req_valid_i[who];
    assign req_op_o = s_req_op_i[3*who +: 3];
    assign req_map_o = s_req_map_i[8*who +: 8];
    assign req_cpu_o = s_req_cpu_i[8*who +: 8];
    assign req_key_o = s_req_key_i[512*who +: 512];
    assign req_value_o = s_req_value_i[2048*who +: 2048];
    assign req_flags_o = s_req_flags_i[64*who +: 64];
    assign req_who_o = {who, s_req_ctx_i[3*who +: 3]};
endmodule
`default_nettype wire
