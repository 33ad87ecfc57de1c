import sglc as sgl


@sgl.function
def f(state):
    state += "a"

# CHECK-DIAGNOSTICS:
