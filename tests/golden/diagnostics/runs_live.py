import sglc as sgl


@sgl.function
def generator(s):
    yield s


@sgl.function
def frame(s, x):
    s += "{x}".format(**locals())


@sgl.function
def code(s):
    exec("s += 'a'")


@sgl.function
async def later(s):
    s += sgl.gen("x")

# CHECK-DIAGNOSTICS:
