import sglc as sgl

def f(s:
    pass

# CHECK-DIAGNOSTICS:
