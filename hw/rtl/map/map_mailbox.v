// SPDX-License-Identifier: BSD-3-Clause
// Carries out the host's mailbox commands (SPEC_MBOX_*) against one value memory and, if there is
// one, one hash engine. It also merges the engine's value writes with its own accesses into the
// value memory's port B, so its b_* ports go straight there.
//
// A command is offered with mbox_valid_i and its fields until mbox_done_o, high for one clock
// together with the results; the next command may be offered in the clock after that. Throughput:
// one command at a time; a command on the value memory takes mbox_count_i words (1 to 32, else
// EINVAL), one each clock in which the memory and the engine leave port B free. mbox_step_o is high
// for a clock when mbox_word_i has been written, the next word being due in the clock after, or
// when mbox_value_o is the next word read; the last one may come together with mbox_done_o.
// Latency: 1 clock, and what the engine or the memory takes. CPU 0 is meant in UPDATE and in the
// results of LOOKUP and ENTRY; offsets of the other CPUs' values follow from the descriptor.
// Without a hash engine, commands for one end with EINVAL, as do commands that are not known.
`include "hw/spec/gen/sluice_spec.vh"
`default_nettype none

module map_mailbox #(
    parameter HAS_HASH    = 1,  // 1: the hash engine's ports are connected
    parameter KEY_BYTES   = 8,  // of the hash engine, 1 to SPEC_HW_KEY_BYTES
    parameter VALUE_BYTES = 8   // of the hash engine, 8 to SPEC_HW_VALUE_BYTES
) (
    input  wire                     clk,
    input  wire                     rst,

    // the command, from csr_block
    input  wire                     mbox_valid_i,
    input  wire [3:0]               mbox_cmd_i,
    input  wire [7:0]               mbox_map_i,
    input  wire [31:0]              mbox_addr_i,
    input  wire [31:0]              mbox_flags_i,
    input  wire [511:0]             mbox_key_i,
    input  wire [2047:0]            mbox_value_i,
    input  wire [5:0]               mbox_count_i,
    input  wire [63:0]              mbox_word_i,
    input  wire [31:0]              base_i,        // VMEM_BASE of mbox_map_i
    output wire                     mbox_done_o,
    output wire [31:0]              mbox_status_o,
    output wire [31:0]              mbox_result_o,
    output wire [511:0]             mbox_key_o,
    output wire [63:0]              mbox_value_o,
    output wire                     mbox_step_o,

    // to the hash engine
    output wire                     cfg_valid_o,
    input  wire                     cfg_ready_i,
    output wire [7:0]               cfg_map_o,
    output wire [319:0]             cfg_desc_o,
    output wire                     req_valid_o,
    input  wire                     req_ready_i,
    output wire [2:0]               req_op_o,
    output wire [7:0]               req_map_o,
    output wire [7:0]               req_cpu_o,
    output wire [8*KEY_BYTES-1:0]   req_key_o,
    output wire [8*VALUE_BYTES-1:0] req_value_o,
    output wire [63:0]              req_flags_o,
    output wire [31:0]              req_entry_o,
    input  wire                     resp_valid_i,  // a response to this requester
    input  wire [31:0]              resp_status_i,
    input  wire [31:0]              resp_addr_i,
    input  wire [8*KEY_BYTES-1:0]   resp_key_i,

    // value writes of the hash engine
    input  wire                     w_valid_i,
    output wire                     w_ready_o,
    input  wire [31:0]              w_addr_i,
    input  wire [63:0]              w_data_i,
    input  wire [7:0]               w_strb_i,

    // port B of the value memory
    output wire                     b_valid_o,
    input  wire                     b_ready_i,
    output wire                     b_write_o,
    output wire [31:0]              b_addr_o,
    output wire [63:0]              b_data_o,
    output wire [7:0]               b_strb_o,
    input  wire                     b_rvalid_i,
    input  wire [63:0]              b_rdata_i
);
    localparam ST_IDLE = 3'd0, ST_VMEM = 3'd1, ST_READ = 3'd2, ST_CONFIG = 3'd3, ST_REQUEST = 3'd4,
               ST_RESPONSE = 3'd5, ST_DONE = 3'd6;
    localparam [31:0] EINVAL = 32'd22;

    generate
        if (KEY_BYTES < 1 || KEY_BYTES > `SPEC_HW_KEY_BYTES || VALUE_BYTES < 8
            || VALUE_BYTES % 8 != 0 || VALUE_BYTES > `SPEC_HW_VALUE_BYTES) begin : g_illegal
            map_mailbox_illegal_parameter u_stop ();
        end
    endgenerate

    reg [2:0]             state_q, state_d;
    reg [31:0]            status_q, status_d;
    reg [31:0]            result_q, result_d;
    reg [8*KEY_BYTES-1:0] key_q, key_d;
    reg [63:0]            value_q, value_d;
    reg [31:0]            addr_q, addr_d;      // of the next word,
    reg [5:0]             left_q, left_d;      // words to ask for after this one,
    reg [5:0]             due_q, due_d;        // words that have not come back
    reg                   read_q;              // a word has come back

    // An engine's write that was offered and not taken keeps port B, as does the host's access.
    reg  held_q, held_host_q;
    wire host_wants = state_q == ST_VMEM;
    wire host_turn  = held_q ? held_host_q : host_wants && !w_valid_i;
    wire host_taken = host_turn && b_ready_i;
    wire is_write   = mbox_cmd_i == `SPEC_MBOX_VMEM_WRITE;
    wire countable  = mbox_count_i != 6'd0 && mbox_count_i <= 6'd32;

    always @* begin
        state_d  = state_q;
        status_d = status_q;
        result_d = result_q;
        key_d    = key_q;
        value_d  = b_rvalid_i ? b_rdata_i : value_q;
        addr_d   = addr_q;
        left_d   = left_q;
        due_d    = due_q - {5'd0, b_rvalid_i};
        case (state_q)
            ST_IDLE: if (mbox_valid_i) begin
                status_d = 32'd0;
                result_d = 32'd0;
                addr_d   = base_i + mbox_addr_i;
                left_d   = mbox_count_i - 6'd1;
                due_d    = mbox_count_i;
                case (mbox_cmd_i)
                    `SPEC_MBOX_VMEM_READ, `SPEC_MBOX_VMEM_WRITE:
                        state_d = countable ? ST_VMEM : ST_DONE;
                    `SPEC_MBOX_LOOKUP, `SPEC_MBOX_UPDATE, `SPEC_MBOX_DELETE, `SPEC_MBOX_ENTRY:
                        state_d = HAS_HASH != 0 ? ST_REQUEST : ST_DONE;
                    `SPEC_MBOX_CONFIG: state_d = HAS_HASH != 0 ? ST_CONFIG : ST_DONE;
                    default: state_d = ST_DONE;
                endcase
                if (state_d == ST_DONE)
                    status_d = EINVAL;
            end
            ST_VMEM: if (host_taken) begin
                addr_d = addr_q + 32'd8;
                left_d = left_q - 6'd1;
                if (left_q == 6'd0)
                    state_d = is_write ? ST_DONE : ST_READ;
            end
            ST_READ: if (due_d == 6'd0)
                state_d = ST_DONE;
            ST_CONFIG: if (cfg_ready_i)
                state_d = ST_DONE;
            ST_REQUEST: if (req_ready_i)
                state_d = ST_RESPONSE;
            ST_RESPONSE: if (resp_valid_i) begin
                status_d = resp_status_i;
                result_d = resp_addr_i;
                key_d    = resp_key_i;
                state_d  = ST_DONE;
            end
            default: state_d = ST_IDLE;
        endcase
    end

    always @(posedge clk) begin
        state_q     <= state_d;
        status_q    <= status_d;
        result_q    <= result_d;
        key_q       <= key_d;
        value_q     <= value_d;
        addr_q      <= addr_d;
        left_q      <= left_d;
        due_q       <= due_d;
        read_q      <= b_rvalid_i;
        held_q      <= b_valid_o && !b_ready_i;
        held_host_q <= host_turn;
        if (rst) begin
            state_q <= ST_IDLE;
            held_q  <= 1'b0;
            read_q  <= 1'b0;
        end
    end

    assign mbox_done_o   = state_q == ST_DONE;
    assign mbox_status_o = status_q;
    assign mbox_result_o = result_q;
    assign mbox_value_o  = value_q;
    assign mbox_step_o   = read_q || (host_taken && is_write);
    generate
        if (KEY_BYTES < 64) begin : g_key_pad
            assign mbox_key_o = {{(512 - 8 * KEY_BYTES) {1'b0}}, key_q};
        end else begin : g_key
            assign mbox_key_o = key_q;
        end
    endgenerate

    assign cfg_valid_o = state_q == ST_CONFIG;
    assign cfg_map_o   = mbox_map_i;
    assign cfg_desc_o  = mbox_value_i[319:0];

    assign req_valid_o = state_q == ST_REQUEST;
    assign req_op_o    = mbox_cmd_i == `SPEC_MBOX_LOOKUP ? 3'd4 :  // the host's look is no use
                         mbox_cmd_i == `SPEC_MBOX_UPDATE ? 3'd1 :
                         mbox_cmd_i == `SPEC_MBOX_DELETE ? 3'd2 : 3'd3;
    assign req_map_o   = mbox_map_i;
    assign req_cpu_o   = 8'd0;
    assign req_key_o   = mbox_key_i[8*KEY_BYTES-1:0];
    assign req_value_o = mbox_value_i[8*VALUE_BYTES-1:0];
    assign req_flags_o = {32'd0, mbox_flags_i};
    assign req_entry_o = mbox_addr_i;

    assign b_valid_o = host_turn ? host_wants : w_valid_i;
    assign b_write_o = host_turn ? is_write : 1'b1;
    assign b_addr_o  = host_turn ? addr_q : w_addr_i;
    assign b_data_o  = host_turn ? mbox_word_i : w_data_i;
    assign b_strb_o  = host_turn ? 8'hff : w_strb_i;
    assign w_ready_o = !host_turn && b_ready_i;

    wire unused = &{1'b0, mbox_value_i, mbox_key_i};
endmodule

`default_nettype wire
