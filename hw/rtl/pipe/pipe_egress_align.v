// SPDX-License-Identifier: BSD-3-Clause
// Moves a packet that starts at any byte of its first step to byte 0 of a beat; see pipe_egress.
//
// Latency: 2 clocks; 3 when the packet starts past byte 0 and reaches into a second step.
// Throughput: a step each clock; a packet of several steps that ends past its start's byte in the
// last one needs one clock more, which the first step of another such packet shares. Order: kept.
// Back-pressure: all registers hold while m_axis_tready is low.
`include "hw/spec/gen/sluice_spec.vh"
`default_nettype none

module pipe_egress_align (
    input  wire                            clk,
    input  wire                            rst,

    input  wire                            s_valid_i,
    output wire                            s_ready_o,
    input  wire [511:0]                    s_data_i,
    input  wire                            s_first_i,
    input  wire                            s_last_i,
    input  wire [5:0]                      s_shift_i,  // one for all steps of a packet, as s_user_i
    input  wire [`SPEC_OUT_TUSER_BITS-1:0] s_user_i,

    output wire [511:0]                    m_axis_tdata,
    output wire [63:0]                     m_axis_tkeep,
    output wire                            m_axis_tvalid,
    input  wire                            m_axis_tready,
    output wire                            m_axis_tlast,
    output wire [`SPEC_OUT_TUSER_BITS-1:0] m_axis_tuser
);
    // before_q: the step before, whose upper bytes begin the next beat. flush_q: it was the last
    // one, and its upper bytes are still to be given out.
    reg [511:0]                     before_q;
    reg                             flush_q;
    reg [5:0]                       flush_shift_q;
    reg [`SPEC_OUT_TUSER_BITS-1:0]  flush_user_q;

    reg                             half_valid_q, half_last_q;
    reg [2:0]                       half_shift_q;
    reg [567:0]                     half_q;  // moved by whole words; 7 bytes more than a beat
    reg [`SPEC_OUT_TUSER_BITS-1:0]  half_user_q;

    reg                             m_valid_q, m_last_q;
    reg [511:0]                     m_data_q;
    reg [63:0]                      m_keep_q;
    reg [`SPEC_OUT_TUSER_BITS-1:0]  m_user_q;

    wire        m_free    = !m_valid_q || m_axis_tready;
    wire        half_free = !half_valid_q || m_free;
    // Bytes of the packet in its last beat, and the byte past its end in its last step, each with 0
    // for 64.
    wire [15:0] len       = s_user_i[`SPEC_OUT_LEN_LSB+:`SPEC_OUT_LEN_BITS];
    wire [5:0]  tail      = len[5:0] + s_shift_i;
    wire        aligned   = s_shift_i == 6'd0;
    wire        alone     = s_first_i && s_last_i;
    // The last step reaches beyond the start's byte.
    wire        past      = tail == 6'd0 || tail > s_shift_i;
    wire        need_more = s_last_i && !s_first_i && !aligned && past;
    wire        gives     = aligned || alone || !s_first_i;
    // The next packet's first step may come while this one's last bytes go.
    assign s_ready_o      = half_free && (!flush_q || !gives);
    wire        take      = s_valid_i && s_ready_o;

    wire [5:0]   shift    = flush_q ? flush_shift_q : s_shift_i;
    wire [511:0] low      = flush_q || !(aligned || alone) ? before_q : s_data_i;
    wire [511:0] high     = flush_q || aligned || alone ? 512'd0 : s_data_i;
    wire [455:0] half_unused;
    wire [567:0] half;
    assign {half_unused, half} = {high, low} >> {shift[5:3], 6'd0};

    always @(posedge clk) begin
        if (take) begin
            before_q      <= s_data_i;
            flush_shift_q <= s_shift_i;
            flush_user_q  <= s_user_i;
        end
        if (half_free) begin
            flush_q      <= take && need_more;
            half_valid_q <= flush_q || (take && gives);
            half_last_q  <= flush_q || (s_last_i && !need_more);
            half_shift_q <= shift[2:0];
            half_q       <= half;
            half_user_q  <= flush_q ? flush_user_q : s_user_i;
        end
        if (rst) begin
            flush_q      <= 1'b0;
            half_valid_q <= 1'b0;
        end
    end

    wire [567:0] whole = half_q >> {half_shift_q, 3'd0};
    wire [5:0]   last_bytes = half_user_q[`SPEC_OUT_LEN_LSB+:6];
    wire [63:0]  keep = half_last_q && last_bytes != 6'd0 ? ~({64{1'b1}} << last_bytes)
                                                         : {64{1'b1}};
    wire [511:0] shown;
    genvar g;
    generate
        for (g = 0; g < 64; g = g + 1) begin : g_byte
            assign shown[8*g+:8] = whole[8*g+:8] & {8{keep[g]}};
        end
    endgenerate

    always @(posedge clk) begin
        if (m_free) begin
            m_valid_q <= half_valid_q;
            m_last_q  <= half_last_q;
            m_data_q  <= shown;
            m_keep_q  <= keep;
            m_user_q  <= half_user_q;
        end
        if (rst)
            m_valid_q <= 1'b0;
    end

    assign m_axis_tvalid = m_valid_q;
    assign m_axis_tlast  = m_last_q;
    assign m_axis_tdata  = m_data_q;
    assign m_axis_tkeep  = m_keep_q;
    assign m_axis_tuser  = m_user_q;

    wire unused = &{1'b0, half_unused, whole[567:512], len};
endmodule

`default_nettype wire
