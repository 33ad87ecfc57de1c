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
# remark[SGL0302] 6:5-6:12: `generator` runs live: a generator is not compiled: this keeps it from being compiled
#   note: a live program has the same meaning; every read waits on the spot
# remark[SGL0302] 11:25-11:33: `frame` runs live: a function that calls `locals` is not compiled: this keeps it from being compiled
#   note: a live program has the same meaning; every read waits on the spot
# remark[SGL0302] 16:5-16:21: `code` runs live: a function that calls `exec` is not compiled: this keeps it from being compiled
#   note: a live program has the same meaning; every read waits on the spot
# remark[SGL0302] 20:1-21:22: `later` runs live: an `async` function is not compiled: this keeps it from being compiled
#   note: a live program has the same meaning; its reads are suspension points
