// SPDX-License-Identifier: BSD-3-Clause
// A packet that its program leaves to the host (output word hold) stops what follows it: it keeps its ordering tokens, and no
// other packet of any core leaves, until the host resumes or switches this off. In its core it is the last packet given to the
// egress (core_io). A packet with hold that leaves while this is off, or resumed already, is released in the next clock.
`default_nettype none
module core_hold #(
    parameter CORES = 1               // 1 to SPEC_CORES_MAX
) (
    input  wire             clk,
    input  wire             rst,
    input  wire [CORES-1:0] left_i,   // of each core: a packet has left,
    input  wire [CORES-1:0] hold_i,   // which has hold
    input  wire             mode_i,   // 1: it stops the others
    input  wire             resume_i, // the host is done with it
    output wire             held_o,
    output wire [CORES-1:0] release_o // of each core: it gives its tokens back
);
    reg  [CORES-1:0] held_q;          // its core; one at most, as others do not leave meanwhile

    assign held_o = held_q != {CORES{1'b0}};
    assign release_o = resume_i || !mode_i ? held_q : {CORES{1'b0}};

    always @(posedge clk) begin
        held_q <= (held_q & ~release_o) | (left_i & hold_i);
        if (rst) held_q <= {CORES{1'b0}};
    end
endmodule
`default_nettype wire
