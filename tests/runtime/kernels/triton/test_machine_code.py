"""Counting instructions in a disassembly."""

from __future__ import annotations

from sglc_runtime.kernels.triton.machine_code import MachineCode, counted

HOPPER = """
        /*0000*/                   LDC R1, c[0x0][0x28] ;
        /*0010*/              @!P0 LDG.E R4, desc[UR8][R2.64] ;
        /*0020*/                   LDG.E.128 R4, desc[UR8][R2.64] ;
        /*0030*/              @P1  LDGSTS.E.BYPASS.128 [R7], desc[UR8][R2.64] ;
        /*0040*/                   LDGSTS.E [R7], desc[UR8][R2.64] ;
        /*0050*/                   HGMMA.64x64x16.F32.BF16 R24, gdesc[UR4], R24 ;
        /*0060*/                   HMMA.16816.F32.BF16 R4, R8, R10, R4 ;
        /*0070*/                   STG.E.U16 desc[UR8][R2.64], R4 ;
        /*0080*/                   STG.E.128 desc[UR8][R2.64], R4 ;
        /*0090*/                   STL [R1], R4 ;
        /*00a0*/             @!UP0 EXIT ;
.L_x_1:
        /*00b0*/                   BRA `(.L_x_1);
"""


def test_counts_of_a_disassembly() -> None:
    assert counted(HOPPER) == MachineCode(
        products="wgmma", copies=1, wide=2, narrow=3, local=1, total=12
    )


def test_products_by_architecture() -> None:
    assert counted("/*0000*/ UTCHMMA gdesc[UR4] ;").products == "tcgen05"
    assert counted("/*0000*/ HMMA.1688.F32.TF32 R4 ;").products == "mma"
    assert counted("/*0000*/ FFMA R4, R1, R2, R3 ;").products == "none"
