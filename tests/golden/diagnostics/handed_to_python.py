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
