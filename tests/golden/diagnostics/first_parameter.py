import sglc as sgl


@sgl.function
def f(state):
    state += "a"


# CHECK-DIAGNOSTICS:
# error[SGL0303] 5:7-5:12: the first parameter of `f` must be `s`
#   help: a program's first parameter is its state: `def program(s, ...)`
