import sglc as sgl

def f(s:
    pass


# CHECK-DIAGNOSTICS:
# error[SGL0101] 3:6-3:7: not Python: '(' was never closed
