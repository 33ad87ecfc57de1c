import sglc as sgl


@sgl.function
def f(s, keep):
    s += sgl.gen("x")
    keep.append(s)
    keep(s)

    def inner():
        return s

    s += str(inner()) + s["x"]
    try:
        s += s["x"]
    finally:
        pass


# CHECK-DIAGNOSTICS:
# remark[SGL0305] 7:5-7:19: `s` is handed to Python code that is not compiled: runs live, in order
# remark[SGL0305] 8:5-8:12: `s` is handed to Python code that is not compiled: runs live, in order
# remark[SGL0305] 10:5-11:17: `s` is handed to Python code that is not compiled: runs live, in order
# remark[SGL0306] 13:25-13:31: this read waits for the model: the text is made by code that is not compiled
# remark[SGL0306] 15:14-15:20: this read waits for the model: it stands in a `try` or a `with`
