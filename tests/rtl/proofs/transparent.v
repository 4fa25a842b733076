// SPDX-License-Identifier: BSD-3-Clause
// A map for Yosys (techmap): registers become wires, so that a pipeline without feedback is one function of its inputs.
// A register that is not enabled holds anything.
(* techmap_celltype = "$dff $dffe" *)
module transparent (CLK, EN, D, Q);
    parameter WIDTH = 1;
    parameter CLK_POLARITY = 1;
    parameter EN_POLARITY = 1;
    parameter _TECHMAP_CELLTYPE_ = "";
    input CLK, EN;
    input [WIDTH-1:0] D;
    output [WIDTH-1:0] Q;

    generate
        if (_TECHMAP_CELLTYPE_ == "$dff") begin
            assign Q = D;
        end else begin
            wire [WIDTH-1:0] old;
            \$anyseq #(.WIDTH(WIDTH)) any (.Y(old));
            assign Q = EN == EN_POLARITY ? D : old;
        end
    endgenerate
endmodule
