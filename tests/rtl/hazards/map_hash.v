// SPDX-License-Identifier: BSD-3-Clause
// The hash engine with random back-pressure: takes a request now and then, answers late, in order, and its writes to the
// value memory wait. All this its contract allows (docs/hardware.md). The engine itself is here map_hash_real, made of
// hw/rtl/map/map_hash.v by the test.
`default_nettype none
module map_hash #(
    parameter         MAPS        = 1,
    parameter         KEY_BYTES   = 8,
    parameter         VALUE_BYTES = 8,
    parameter         ENTRIES     = 16,
    parameter         BUCKETS     = 8,
    parameter         TAG_W       = 1,
    parameter [319:0] DESC        = 320'd0,
    parameter         FP_BITS     = 16,
    parameter         LRU         = 0,
    parameter         GATE        = 1
) (
    input  wire                     clk,
    input  wire                     rst,
    input  wire                     cfg_valid_i,
    output wire                     cfg_ready_o,
    input  wire [7:0]               cfg_map_i,
    input  wire [319:0]             cfg_desc_i,
    input  wire                     req_valid_i,
    output wire                     req_ready_o,
    input  wire [2:0]               req_op_i,
    input  wire [7:0]               req_map_i,
    input  wire [7:0]               req_cpu_i,
    input  wire [8*KEY_BYTES-1:0]   req_key_i,
    input  wire [8*VALUE_BYTES-1:0] req_value_i,
    input  wire [63:0]              req_flags_i,
    input  wire [31:0]              req_entry_i,
    input  wire [TAG_W-1:0]         req_tag_i,
    output wire                     resp_valid_o,
    output wire [TAG_W-1:0]         resp_tag_o,
    output wire [31:0]              resp_status_o,
    output wire [31:0]              resp_addr_o,
    output wire [31:0]              resp_entry_o,
    output wire [8*KEY_BYTES-1:0]   resp_key_o,
    output wire                     w_valid_o,
    input  wire                     w_ready_i,
    output wire [31:0]              w_addr_o,
    output wire [63:0]              w_data_o,
    output wire [7:0]               w_strb_o
);
    localparam RESP_W = TAG_W + 32 + 32 + 32 + 8 * KEY_BYTES;
    localparam DEPTH = 64;                     // answers that wait: more than requests that are inside

    // three random bits a clock
    reg  [30:0] random_q;
    wire        take = random_q[0] || random_q[7];
    wire        give = random_q[3] && random_q[11];
    wire        put = random_q[5];

    always @(posedge clk) begin
        random_q <= {random_q[27:0], random_q[30:28] ^ random_q[27:25]};
        if (rst) random_q <= 31'h2c0ffee1;
    end

    wire              req_ready;
    wire              resp_valid;
    wire [RESP_W-1:0] resp;
    wire              w_valid;

    // what has been offered to the port stays, so the gate may not close on it
    reg               w_open_q;
    wire              w_open = put || w_open_q;

    always @(posedge clk) begin
        w_open_q <= w_open && w_valid && !w_ready_i;
        if (rst) w_open_q <= 1'b0;
    end

    assign req_ready_o = req_ready && take;
    assign w_valid_o = w_valid && w_open;

    map_hash_real #(
        .MAPS(MAPS), .KEY_BYTES(KEY_BYTES), .VALUE_BYTES(VALUE_BYTES), .ENTRIES(ENTRIES), .BUCKETS(BUCKETS), .TAG_W(TAG_W),
        .DESC(DESC), .FP_BITS(FP_BITS), .LRU(LRU), .GATE(GATE)
    ) u_real (
        .clk(clk), .rst(rst), .cfg_valid_i(cfg_valid_i), .cfg_ready_o(cfg_ready_o), .cfg_map_i(cfg_map_i), .cfg_desc_i(cfg_desc_i),
        .req_valid_i(req_valid_i && take), .req_ready_o(req_ready), .req_op_i(req_op_i), .req_map_i(req_map_i), .req_cpu_i(req_cpu_i),
        .req_key_i(req_key_i), .req_value_i(req_value_i), .req_flags_i(req_flags_i), .req_entry_i(req_entry_i), .req_tag_i(req_tag_i),
        .resp_valid_o(resp_valid), .resp_tag_o(resp[RESP_W-1 -: TAG_W]), .resp_status_o(resp[8*KEY_BYTES+64 +: 32]),
        .resp_addr_o(resp[8*KEY_BYTES+32 +: 32]), .resp_entry_o(resp[8*KEY_BYTES +: 32]), .resp_key_o(resp[8*KEY_BYTES-1:0]), .w_valid_o(w_valid),
        .w_ready_i(w_ready_i && w_open), .w_addr_o(w_addr_o), .w_data_o(w_data_o), .w_strb_o(w_strb_o));

    wire              late_valid;
    wire              late_room;
    wire [RESP_W-1:0] late;
    wire              unused = &{1'b0, late_room};

    pipe_fifo #(.WIDTH(RESP_W), .DEPTH(DEPTH)) u_late (
        .clk(clk), .rst(rst), .s_valid_i(resp_valid), .s_ready_o(late_room), .s_data_i(resp), .m_valid_o(late_valid),
        .m_ready_i(give), .m_data_o(late));

    assign resp_valid_o = late_valid && give;
    assign {resp_tag_o, resp_status_o, resp_addr_o, resp_entry_o, resp_key_o} = late;
endmodule
`default_nettype wire
